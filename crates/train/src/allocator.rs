//! Settings of the memory allocator.

/// Makes the allocator keep the memory that a step frees. The next step needs as much again, and
/// zeroed pages from the system cost more than some layers. All threads share one arena, because
/// other arenas return memory whatever the threshold. Call it once, before any thread is started.
pub fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` only sets parameters of the allocator.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

//! What the program asks of the allocator.

/// Lets the allocator keep what a step frees: the next step needs the same again, and getting zeroed pages from the
/// system anew each time costs more than some layers. All threads share one arena, as those of their own give memory back
/// whatever the threshold. To be called once, before any thread is started.
pub fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` only sets parameters of the allocator.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

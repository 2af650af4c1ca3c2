//! Settings of the C library's allocator.

/// Lets the allocator keep what a layer or a training step frees: the next one needs the same again,
/// and getting zeroed pages from the system each time costs more than some layers. All threads share
/// one arena, as arenas of their own return memory whatever the threshold is. Does nothing except
/// on Linux with the GNU C library.
///
/// Call it once, before any thread is started.
pub fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` only sets parameters of the allocator.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

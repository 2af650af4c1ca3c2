//! What the programs `heirloom-train` and `heirloom-experiment` share.

pub mod console;
pub mod device;

use std::process::{ExitCode, Termination};

use crate::error::Result;

/// Runs the main function of a program on a pool of `threads` threads, or of one per core, and
/// prints its error to stderr under the program's name. What it returns says the exit status; that
/// of an error is 1.
pub fn main<T: Termination + Send>(
    program: &str,
    threads: Option<usize>,
    run: impl FnOnce() -> Result<T> + Send,
) -> ExitCode {
    heirloom_kernels::allocator::keep_freed();
    if let Some(threads) = threads
        && let Err(e) = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()
    {
        eprintln!("{program}: cannot start {threads} threads: {e}");
        return ExitCode::FAILURE;
    }
    // Runs on a thread of the pool, because a step enters and leaves the pool hundreds of times.
    match rayon::scope(|_| run()) {
        Ok(done) => done.report(),
        Err(e) => {
            eprintln!("{program}: {e}");
            ExitCode::FAILURE
        }
    }
}

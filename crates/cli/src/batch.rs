//! Work on several files: on all cores, with a progress bar on a terminal, going on after failures.

use std::io::IsTerminal;
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::{Failure, exit_code};

/// Number of threads: as asked for, or one per core.
pub fn threads(asked: Option<NonZero<usize>>) -> usize {
    asked.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZero::get)
}

/// Calls `work` with 0..`count` on up to `threads` threads and hands each result to `done` as it comes.
///
/// The threads stand outside the codec's own pool: a thread of that pool that waits for its part of one image
/// would otherwise start on a whole other image, and memory would grow with the number of files.
fn parallel<T: Send>(count: usize, threads: usize, work: impl Fn(usize) -> T + Sync, mut done: impl FnMut(usize, T)) {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, count.max(1)) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count || sender.send((index, work(index))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        receiver.into_iter().for_each(|(index, result)| done(index, result));
    });
}

/// The results of `work` with 0..`count`, in order, by [`parallel`] under a progress bar. One failure fails the whole: means over
/// what is left would not compare.
pub fn collect<T: Send>(
    count: usize,
    threads: usize,
    quiet: bool,
    work: impl Fn(usize) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    let bar = progress(count, quiet);
    let mut results: Vec<Option<Result<T, Failure>>> = (0..count).map(|_| None).collect();
    parallel(count, threads, work, |i, result| {
        results[i] = Some(result);
        bar.inc(1);
    });
    bar.finish_and_clear();
    results.into_iter().flatten().collect()
}

/// A progress bar over `count` steps on standard error; hidden when that is no terminal, or there is but one step.
fn progress(count: usize, quiet: bool) -> ProgressBar {
    if quiet || count < 2 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {elapsed} (left: {eta})");
    ProgressBar::new(count as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Prints a line on standard error without tearing the progress bar.
pub fn say(bar: &ProgressBar, line: &str) {
    bar.suspend(|| eprintln!("{line}"));
}

/// Does `work` on each item; reports every result on standard error and sums the run up as an exit status.
///
/// `work` returns a line to print, unless `quiet`.
pub fn run<J: Sync>(
    jobs: &[J],
    threads: usize,
    quiet: bool,
    work: impl Fn(&J) -> Result<String, Failure> + Sync,
) -> ExitCode {
    let bar = progress(jobs.len(), quiet);
    let mut failures = Vec::new();
    parallel(
        jobs.len(),
        threads,
        |i| work(&jobs[i]),
        |_, result| {
            match result {
                Ok(line) if quiet || line.is_empty() => {}
                Ok(line) => say(&bar, &line),
                Err(failure) => {
                    say(&bar, &format!("heirloom: {failure}"));
                    failures.push(failure.kind);
                }
            }
            bar.inc(1);
        },
    );
    bar.finish_and_clear();
    if !failures.is_empty() && jobs.len() > 1 {
        eprintln!("heirloom: {} of {} files failed", failures.len(), jobs.len());
    }
    exit_code(&failures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_done_once() {
        for threads in [1, 2, 7, 100] {
            let mut seen = vec![0; 50];
            parallel(
                50,
                threads,
                |i| i * i,
                |i, square| {
                    assert_eq!(square, i * i);
                    seen[i] += 1;
                },
            );
            assert_eq!(seen, [1; 50]);
        }
        parallel(0, 4, |_| (), |_, ()| panic!("nothing to do"));
    }
}

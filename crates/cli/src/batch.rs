//! Several files at once: on all threads, with a progress bar on a terminal, and going on after
//! failures.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::num::NonZero;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::{ExitCode, Failure, exit_code};

/// Number of threads: as asked for, or one per core.
pub fn threads(asked: Option<NonZero<usize>>) -> usize {
    asked.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZero::get)
}

thread_local! {
    /// Whether a panic of this thread is caught and reported as the failure of one file.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics that are reported as the failure of one file from being printed as well.
pub fn silence_guarded_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !GUARDED.get() {
            print(info);
        }
    }));
}

/// Turns a panic into a failure: a defect that one file brings to light must not stop the others.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Failure> {
    GUARDED.set(true);
    // A job that panics leaves nothing half done: results are handed over at its end.
    let result = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(false);
    result.map_err(|payload| {
        let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
            (Some(text), _) => text,
            (_, Some(text)) => text.as_str(),
            _ => "no message",
        };
        Failure::failed(format!(
            "internal error ({message}); this is a defect of heirloom: please report it with the file"
        ))
    })
}

/// Calls `work` with 0..`count` on up to `threads` threads, and passes each result to `done` when
/// it is there.
///
/// The threads do not belong to the codec's own pool. A thread of that pool that waits for its part
/// of one image would otherwise begin another image, and memory would grow with the number of
/// files.
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

/// The results of `work` with 0..`count`, in order. One failure, put behind the name of its job,
/// fails the whole: means over the rest would not compare.
pub fn collect<T: Send>(
    count: usize,
    threads: usize,
    quiet: bool,
    name: impl Fn(usize) -> String + Sync,
    work: impl Fn(usize) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    let bar = progress(count, quiet);
    let mut results: Vec<Option<Result<T, Failure>>> = (0..count).map(|_| None).collect();
    parallel(
        count,
        threads,
        |i| guarded(|| work(i)).flatten().map_err(|failure| failure.about(name(i))),
        |i, result| {
            results[i] = Some(result);
            bar.inc(1);
        },
    );
    bar.finish_and_clear();
    results.into_iter().flatten().collect()
}

/// A progress bar over `count` steps on standard error; hidden if that is not a terminal, or for
/// one step.
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

/// Prints a line on standard output. That nobody reads it any more is no failure.
pub fn print(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Prints a warning about a file on standard error, even with `--quiet`: whoever wants to hear
/// nothing but errors wants to hear of losses too.
pub fn warn(about: impl std::fmt::Display, what: &str) {
    eprintln!("heirloom: warning: {about}: {what}");
}

/// Does `work` on each job, reports every result on standard error, and returns the exit status of
/// the whole.
///
/// `work` returns a line to print, unless `quiet`. `name` names a job whose work panics.
pub fn run<J: Sync>(
    jobs: &[J],
    threads: usize,
    quiet: bool,
    name: impl Fn(&J) -> String + Sync,
    work: impl Fn(&J) -> Result<String, Failure> + Sync,
) -> ExitCode {
    let bar = progress(jobs.len(), quiet);
    let mut failures = Vec::new();
    parallel(
        jobs.len(),
        threads,
        |i| guarded(|| work(&jobs[i])).unwrap_or_else(|panic| Err(panic.about(name(&jobs[i])))),
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
    fn every_job_is_done_once() {
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

    #[test]
    fn a_panic_fails_its_own_job_only() {
        silence_guarded_panics();
        let work = |i: usize| if i == 1 { panic!("index {i}") } else { Ok(i) };
        let name = |i: usize| format!("job {i}");
        assert_eq!(collect(1, 1, true, name, work), Ok(vec![0]));
        let failure = collect(3, 2, true, name, work).unwrap_err();
        assert!(failure.message.starts_with("job 1: internal error (index 1)"), "{failure}");
        let done = AtomicUsize::new(0);
        let jobs = [0, 1, 2, 3];
        run(
            &jobs,
            1,
            true,
            |i| name(*i),
            |i| work(*i).map(|_| (done.fetch_add(1, Ordering::Relaxed), String::new()).1),
        );
        assert_eq!(done.into_inner(), 3);
    }
}

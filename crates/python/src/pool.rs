//! The threads that images are coded in.
//!
//! They are this package's own and few: as many as [`threads`] says, which by default is one in a worker
//! process. `fork` copies no threads, so a pool belongs to one process id, and a child makes a new one.
//!
//! Every lock of this package is taken and released while Python's global lock is held, but for those
//! within a pool. The thread that forks holds the global lock, too, so that no child is born with a lock
//! that nobody will release.

use std::sync::{Arc, Barrier, Condvar, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::errors::{Failure, Result, python};

/// A pool, and how many images it may work on at once.
pub struct Pool {
    threads: ThreadPool,
    /// Images that may still begin. A thread that waits for a part of one image would otherwise begin the
    /// next one, and memory would grow with the number of callers.
    free: Mutex<usize>,
    freed: Condvar,
}

/// Permission to work on an image.
struct Turn<'a>(&'a Pool);

struct State {
    /// What `set_threads` has said.
    asked: Option<usize>,
    /// The pool, and the process that it belongs to.
    pool: Option<(u32, Arc<Pool>)>,
}

static STATE: Mutex<State> = Mutex::new(State { asked: None, pool: None });

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// The pool, if there is one of this process.
    fn current(&mut self) -> Option<Arc<Pool>> {
        let (owner, pool) = self.pool.take()?;
        if owner != std::process::id() {
            // Its threads have stayed in the parent, so that nothing can end them here.
            std::mem::forget(pool);
            return None;
        }
        self.pool = Some((owner, pool.clone()));
        Some(pool)
    }
}

impl Pool {
    fn new(count: usize) -> Result<Arc<Self>> {
        let threads = ThreadPoolBuilder::new().num_threads(count).thread_name(|i| format!("heirloom-{i}")).build();
        let threads =
            threads.map_err(|e| Failure::new("HeirloomError", format!("cannot start {count} threads: {e}")))?;
        prepare(&threads);
        Ok(Arc::new(Self { threads, free: Mutex::new(count), freed: Condvar::new() }))
    }

    /// The pool of this process.
    pub fn get(py: Python<'_>) -> Result<Arc<Self>> {
        let (found, asked) = {
            let mut state = state();
            (state.current(), state.asked)
        };
        if let Some(pool) = found {
            return Ok(pool);
        }
        // Asked before the lock is taken, since Python may let other threads run meanwhile.
        let count = count(py, asked)?;
        let mut state = state();
        // One of those may have made the pool.
        if let Some(pool) = state.current() {
            return Ok(pool);
        }
        let pool = Self::new(count)?;
        state.pool = Some((std::process::id(), pool.clone()));
        Ok(pool)
    }

    /// Works in the pool. The caller holds no lock of Python's meanwhile, see [`Python::detach`].
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let _turn = self.turn();
        self.threads.install(work)
    }

    /// Works in the pool without waiting for a turn, for short work while Python's lock is held.
    pub fn run_now<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.threads.install(work)
    }

    fn turn(&self) -> Turn<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Turn(self)
    }
}

/// Computes what is computed once in a process: the tables of the entropy coder, the instruction set, and
/// what threads share that take work from one another. It is done while Python's lock is held: of a process
/// that forks meanwhile, the child would wait for ever for the thread that was at it.
fn prepare(threads: &ThreadPool) {
    heirloom_codec::Isa::best();
    // Any section will do.
    let _ = heirloom_format::entropy::encode_section(&[0], &[0]);
    if threads.current_num_threads() > 1 {
        // Neither ends before another thread has taken the second.
        let both = Barrier::new(2);
        let wait = || {
            both.wait();
        };
        threads.install(|| rayon::join(wait, wait));
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

/// Number of threads: what was asked for, else what the environment says, else one per core.
fn count(py: Python<'_>, asked: Option<usize>) -> Result<usize> {
    if let Some(count) = asked {
        return Ok(count);
    }
    let environment = py.import("heirloom._threads").map_err(python)?.call_method0("from_environment");
    let count: Option<usize> = environment.and_then(|count| count.extract()).map_err(python)?;
    Ok(count.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get)))
}

/// Sets the number of threads, `None` for what the environment says. Work that is under way goes on with
/// the threads that it has.
#[pyfunction]
#[pyo3(signature = (count))]
pub fn set_threads(count: Option<usize>) -> Result<()> {
    if count == Some(0) {
        return Err(Failure::bad_parameter("0 threads can do nothing; set 1 or more, or None for the default"));
    }
    let mut state = state();
    state.asked = count;
    // The last call that works in the old pool ends its threads.
    drop(state.current());
    state.pool = None;
    Ok(())
}

/// Number of threads that images are coded in.
#[pyfunction]
pub fn threads(py: Python<'_>) -> Result<usize> {
    Ok(Pool::get(py)?.threads.current_num_threads())
}

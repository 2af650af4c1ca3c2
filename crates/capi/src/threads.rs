//! The threads that images are coded in.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::status::{Failure, Result};

struct Pool {
    threads: Arc<ThreadPool>,
    handles: Vec<JoinHandle<()>>,
    /// The process that has these threads: `fork` copies none.
    process: u32,
}

struct State {
    /// 0 for one thread per core.
    count: usize,
    pool: Option<Pool>,
}

static STATE: Mutex<State> = Mutex::new(State { count: 0, pool: None });

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn pool(&mut self) -> Result<Arc<ThreadPool>> {
        let process = std::process::id();
        match self.pool.take() {
            Some(pool) if pool.process == process => {
                let threads = pool.threads.clone();
                self.pool = Some(pool);
                Ok(threads)
            }
            others => {
                // Its threads have stayed in the parent, so that nothing can end them here.
                std::mem::forget(others);
                let pool = Pool::new(self.count, process)?;
                let threads = pool.threads.clone();
                self.pool = Some(pool);
                Ok(threads)
            }
        }
    }
}

impl Pool {
    fn new(count: usize, process: u32) -> Result<Self> {
        let mut handles = Vec::new();
        let threads = ThreadPoolBuilder::new()
            .num_threads(count)
            .spawn_handler(|thread| {
                let name = format!("heirloom-{}", thread.index());
                handles.push(std::thread::Builder::new().name(name).spawn(|| thread.run())?);
                Ok(())
            })
            .build();
        let threads = threads.map_err(|e| Failure::internal(format!("cannot start threads: {e}")))?;
        Ok(Self { threads: Arc::new(threads), handles, process })
    }

    /// Ends the threads when the calls that are under way have ended.
    fn end(self) {
        drop(self.threads);
        for handle in self.handles {
            // That one has panicked is no reason to wait less for the others.
            let _ = handle.join();
        }
    }
}

/// Works in the pool, which is made if there is none.
pub fn run<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let threads = state().pool()?;
    threads.install(work)
}

fn end(count: Option<usize>) {
    let pool = {
        let mut state = state();
        state.count = count.unwrap_or(state.count);
        state.pool.take()
    };
    match pool {
        Some(pool) if pool.process == std::process::id() => pool.end(),
        others => std::mem::forget(others),
    }
}

/// Sets the number of threads that images are coded in, of all calls together; 0 stands for one per core,
/// which is the default. Waits until calls that are under way have ended. Results do not depend on it.
#[unsafe(no_mangle)]
pub extern "C" fn heirloom_set_threads(count: usize) {
    end(Some(count));
}

/// Ends the threads, when calls that are under way have ended. The next call starts them again. For programs
/// that unload this library.
#[unsafe(no_mangle)]
pub extern "C" fn heirloom_stop_threads() {
    end(None);
}

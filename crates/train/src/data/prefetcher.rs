//! Threads that prepare what the coming steps need.

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use crate::error::{Result, TrainError};

/// Items that each thread keeps ready.
const READY: usize = 2;

/// Makes one item per step, in order and ahead of the steps, on threads of its own. The threads end
/// when it is dropped.
pub struct Prefetcher<T> {
    receivers: Vec<Receiver<Result<T>>>,
    next: u64,
}

impl<T: Send + 'static> Prefetcher<T> {
    /// Starts `threads` threads, each with a maker of its own, that make the items of the steps
    /// from `from` on.
    ///
    /// # Errors
    /// Threads that cannot be started.
    pub fn start<M>(from: u64, threads: usize, maker: impl Fn() -> M) -> Result<Self>
    where
        M: FnMut(u64) -> Result<T> + Send + 'static,
    {
        let threads = threads.max(1) as u64;
        let mut receivers = Vec::new();
        for first in from..from + threads {
            let (sender, receiver): (SyncSender<Result<T>>, _) = sync_channel(READY);
            let mut make = maker();
            let work = move || {
                let mut step = first;
                while sender.send(make(step)).is_ok() {
                    step += threads;
                }
            };
            thread::Builder::new()
                .name("prefetcher".into())
                .spawn(work)
                .map_err(|e| TrainError::Io { what: "cannot start a thread".into(), source: e })?;
            receivers.push(receiver);
        }
        Ok(Self { receivers, next: 0 })
    }

    /// Waits for the item of the next step.
    ///
    /// # Errors
    /// Errors of the maker, or a thread that has ended.
    pub fn next_item(&mut self) -> Result<T> {
        let index = (self.next % self.receivers.len() as u64) as usize;
        self.next += 1;
        self.receivers[index].recv().map_err(|_| TrainError::Data("a thread that prepares batches has ended".into()))?
    }
}

//! Batches of new images, prepared ahead of the steps.

use std::sync::Arc;

use fast_image_resize::Resizer;

use super::{
    images::Images,
    prefetcher::Prefetcher,
    sampler::{Batch, BatchSampler, BatchShape},
};
use crate::error::Result;

/// Prepares the batches of successive steps.
pub struct Loader(Prefetcher<Batch>);

impl Loader {
    /// Starts `threads` threads that prepare the batches of the steps from `from` on, each of the
    /// shape that `shape` gives for its step. The threads end when the loader is dropped.
    ///
    /// # Errors
    /// Threads that cannot be started.
    pub fn start(
        images: Arc<Images>,
        sampler: BatchSampler,
        shape: impl Fn(u64) -> BatchShape + Send + Clone + 'static,
        from: u64,
        threads: usize,
    ) -> Result<Self> {
        let maker = || {
            let (images, sampler, shape) = (Arc::clone(&images), sampler.clone(), shape.clone());
            let mut resizer = Resizer::new();
            move |step| sampler.batch(&images, step, shape(step), &mut resizer)
        };
        Prefetcher::start(from, threads, maker).map(Self)
    }

    /// Waits for the batch of the next step.
    ///
    /// # Errors
    /// An image that can no longer be read, or a thread that has ended.
    pub fn next_batch(&mut self) -> Result<Batch> {
        self.0.next_item()
    }
}

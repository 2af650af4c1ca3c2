//! Replayed batches, drawn ahead of the steps.

use std::sync::Arc;

use burn::tensor::Device;
use fast_image_resize::Resizer;

use super::{learning_plan::LearningPlan, sample::ReplaySample, source::ReplaySource, teacher::Teacher};
use crate::{
    data::prefetcher::Prefetcher,
    error::Result,
    trainer::{config::Config, schedule, step::ReplayBatch},
};

/// The replayed batches of successive steps.
pub struct ReplayBatches {
    samples: Prefetcher<ReplaySample>,
    teachers: Vec<Teacher>,
}

impl ReplayBatches {
    /// Starts drawing what the steps from `from` on replay.
    ///
    /// # Errors
    /// Threads that cannot be started, teachers with weights of another network.
    pub fn start(
        config: &Config,
        plan: &LearningPlan,
        source: ReplaySource,
        from: u64,
        device: &Device,
    ) -> Result<Self> {
        let teachers =
            plan.teachers.iter().map(|generation| Teacher::new(generation, device)).collect::<Result<_>>()?;
        let (source, config) = (Arc::new(source), Arc::new(config.clone()));
        let maker = || {
            let (source, config, mut resizer) = (Arc::clone(&source), Arc::clone(&config), Resizer::new());
            move |step| source.sample(step, schedule::replayed_shape(&config, step), &mut resizer)
        };
        Ok(Self { samples: Prefetcher::start(from, config.loader_threads, maker)?, teachers })
    }
}

/// The batch of the next step, or why an image or file can no longer be read. It never ends.
impl Iterator for ReplayBatches {
    type Item = Result<ReplayBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        // A source knows no other generations than the plan's.
        Some(self.samples.next_item().and_then(|sample| self.teachers[sample.teacher].batch(sample)))
    }
}

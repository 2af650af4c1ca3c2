//! What a run learns from besides new images, prepared ahead of the steps.

use std::sync::Arc;

use burn::tensor::Device;
use fast_image_resize::Resizer;

use super::{Lesson, Memory, Recalled, Teacher, memory::Remembered};
use crate::{
    Result,
    data::Ahead,
    trainer::{Config, schedule},
};

/// A lesson, and what is replayed of it.
pub struct Learning {
    pub lesson: Lesson,
    /// None without replay.
    pub memory: Option<Memory>,
}

/// Old files or images, and the generations that know them.
pub struct Supply {
    ahead: Ahead<Remembered>,
    teachers: Vec<Teacher>,
}

impl Supply {
    /// Starts preparing what the steps from `from` on replay. None without replay.
    ///
    /// # Errors
    /// Threads that cannot be started, teachers whose weights are not those of their spec.
    pub fn start(config: &Config, learning: Learning, from: u64, device: &Device) -> Result<Option<Self>> {
        let Learning { lesson, memory: Some(memory) } = learning else { return Ok(None) };
        let teachers =
            lesson.teachers.iter().map(|generation| Teacher::new(generation, device)).collect::<Result<_>>()?;
        let (memory, config) = (Arc::new(memory), Arc::new(config.clone()));
        let maker = || {
            let (memory, config, mut resizer) = (Arc::clone(&memory), Arc::clone(&config), Resizer::new());
            move |step| memory.recall(step, schedule::replayed_shape(&config, step), &mut resizer)
        };
        Ok(Some(Self { ahead: Ahead::start(from, config.loader_threads, maker)?, teachers }))
    }

    /// What the next step replays.
    ///
    /// # Errors
    /// An image or file that can no longer be read.
    pub fn next_batch(&mut self) -> Result<Recalled> {
        let remembered = self.ahead.take()?;
        // A memory knows no other generations than its lesson.
        self.teachers[remembered.teacher].recall(remembered)
    }
}

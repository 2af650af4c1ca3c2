//! Batches, prepared ahead of the step by threads of their own.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use fast_image_resize::Resizer;

use super::{Augmentation, Folder, sample};
use crate::{
    Result, TrainError,
    random::{Random, shuffled},
};

const CROP_STREAM: u64 = 0xC401;
const LAMBDA_STREAM: u64 = 0x1A3B;
/// Batches that each thread keeps ready.
const AHEAD: usize = 2;

/// What one step learns from.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The step it is for.
    pub step: u64,
    /// Side of the crops.
    pub crop: usize,
    /// NHWC values in [-1, 1], `lambdas.len() * crop * crop * 3` of them.
    pub pixels: Vec<f32>,
    /// λ of each crop.
    pub lambdas: Vec<f32>,
}

/// The shape of a step's batch, and how many samples were drawn before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub crop: usize,
    pub batch: usize,
    pub samples_before: u64,
}

/// How batches are drawn.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub augmentation: Augmentation,
    /// Range of λ.
    pub lambda: [f32; 2],
}

impl Plan {
    /// The batch of `step`, whose shape is `shape`: a function of the arguments alone.
    ///
    /// # Errors
    /// An image that can no longer be read.
    pub fn batch(&self, folder: &Folder, step: u64, shape: Shape, resizer: &mut Resizer) -> Result<Batch> {
        let Shape { crop, batch, samples_before } = shape;
        let mut pixels = Vec::with_capacity(batch * crop * crop * 3);
        for i in 0..batch {
            let sample = samples_before + i as u64;
            let n = folder.len();
            let index = shuffled(self.seed, sample / n as u64, (sample % n as u64) as usize, n);
            let image = folder.image(index)?;
            let mut random = Random::new(self.seed, CROP_STREAM, sample);
            sample::crop(&image, crop, &self.augmentation, &mut random, resizer, &mut pixels);
        }
        // λ = t³ with t uniform between the cube roots of the ends (method, "objective and training").
        let [low, high] = self.lambda.map(f32::cbrt);
        let mut random = Random::new(self.seed, LAMBDA_STREAM, step);
        let lambdas = (0..batch)
            .map(|_| (low + (high - low) * random.unit()).powi(3).clamp(self.lambda[0], self.lambda[1]))
            .collect();
        Ok(Batch { step, crop, pixels, lambdas })
    }
}

/// Threads that make something for each step, in order and ahead of the step that needs it.
pub struct Ahead<T> {
    receivers: Vec<Receiver<Result<T>>>,
    next: u64,
}

impl<T: Send + 'static> Ahead<T> {
    /// Starts making what steps `from`, `from + 1`, … need, with `threads` threads, each with a maker of its own. The threads
    /// end when this is dropped.
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
            let (sender, receiver): (SyncSender<Result<T>>, _) = sync_channel(AHEAD);
            let mut make = maker();
            let work = move || {
                let mut step = first;
                while sender.send(make(step)).is_ok() {
                    step += threads;
                }
            };
            thread::Builder::new()
                .name("batches".into())
                .spawn(work)
                .map_err(|e| TrainError::Io { what: "cannot start a thread".into(), source: e })?;
            receivers.push(receiver);
        }
        Ok(Self { receivers, next: 0 })
    }

    /// What the next step needs.
    ///
    /// # Errors
    /// Those of the maker, or a thread that ended early.
    pub fn take(&mut self) -> Result<T> {
        let index = (self.next % self.receivers.len() as u64) as usize;
        self.next += 1;
        self.receivers[index]
            .recv()
            .map_err(|_| TrainError::Data("the thread that prepares batches has ended".into()))?
    }
}

/// Threads that prepare batches in order.
pub struct Loader(Ahead<Batch>);

impl Loader {
    /// Starts preparing the batches of steps `from`, `from + 1`, … with `threads` threads; `shape` tells each step's
    /// shape. The threads end when the loader is dropped.
    ///
    /// # Errors
    /// Threads that cannot be started.
    pub fn start(
        folder: Arc<Folder>,
        plan: Plan,
        shape: impl Fn(u64) -> Shape + Send + Clone + 'static,
        from: u64,
        threads: usize,
    ) -> Result<Self> {
        let maker = || {
            let (folder, plan, shape, mut resizer) = (Arc::clone(&folder), plan.clone(), shape.clone(), Resizer::new());
            move |step| plan.batch(&folder, step, shape(step), &mut resizer)
        };
        Ahead::start(from, threads, maker).map(Self)
    }

    /// The next step's batch.
    ///
    /// # Errors
    /// An image that can no longer be read, or a thread that ended early.
    pub fn next_batch(&mut self) -> Result<Batch> {
        self.0.take()
    }
}

//! Estimated time of tasks on this machine: by finished tasks of the same system, per pixel;
//! without any, by a timed training step.

use std::{collections::HashMap, time::Instant};

use heirloom_format::container::CANVAS_UNIT;

use super::{inputs::Inputs, model::System, runner::Runner, task::Task};
use heirloom_train::{
    data::sampler::Batch,
    error::Result,
    model::{initial::Initial, parameters::Weights, quantise::Quantise},
    random::Random,
    trainer::{
        config::Config,
        step::{Balance, Learner, StepInput},
    },
};

/// Time of coding an image, which is a forward pass only, as a share of a training step on as many
/// pixels.
const FORWARD: f64 = 1.0 / 3.0;
/// Largest number of pixels of the timed step: enough that its fixed costs do not matter.
const MOST_PIXELS: usize = 1 << 17;
/// λ of the timed step.
const LAMBDA: f32 = 256.0;

/// Kinds of work, each with its own speed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Train,
    Measure,
}

/// Seconds per megapixel of each system and kind of work.
pub struct Estimate {
    seconds_per_megapixel: HashMap<(System, Kind), f64>,
}

impl Estimate {
    /// Measures the speed of the systems of `tasks`, by those that are finished or by a training
    /// step.
    ///
    /// # Errors
    /// Settings out of range; a device that fails.
    pub fn of(runner: &Runner, tasks: &[Task]) -> Result<Self> {
        let mut sums: HashMap<(System, Kind), (f64, f64)> = HashMap::new();
        for task in tasks {
            if let Some(done) = runner.done(task)? {
                let sum = sums.entry(key(task)).or_default();
                *sum = (sum.0 + done.seconds, sum.1 + megapixels(runner.inputs, task)?);
            }
        }
        let mut known: HashMap<_, _> =
            sums.into_iter().map(|(key, (seconds, megapixels))| (key, seconds / megapixels.max(1e-9))).collect();
        for task in tasks {
            let (system, kind) = key(task);
            if !known.contains_key(&(system, kind)) {
                let step = match known.get(&(system, Kind::Train)) {
                    Some(step) => *step,
                    None => timed_step(runner, task)?,
                };
                known.entry((system, Kind::Train)).or_insert(step);
                known.entry((system, Kind::Measure)).or_insert(step * FORWARD);
            }
        }
        Ok(Self { seconds_per_megapixel: known })
    }

    /// Estimated seconds of a task from its beginning.
    ///
    /// # Errors
    /// Settings out of range.
    pub fn seconds(&self, inputs: &Inputs, task: &Task) -> Result<f64> {
        Ok(self.seconds_per_megapixel.get(&key(task)).copied().unwrap_or_default() * megapixels(inputs, task)?)
    }
}

fn key(task: &Task) -> (System, Kind) {
    match task {
        Task::Train(model) => (model.system, Kind::Train),
        Task::Measure(measurement) => (measurement.encoder.system, Kind::Measure),
    }
}

/// Megapixels that a task processes.
fn megapixels(inputs: &Inputs, task: &Task) -> Result<f64> {
    let pixels = match task {
        Task::Train(model) => {
            let config = match model.learning {
                Some(_) => Config::from_toml(&inputs.settings.learning()?)?,
                None => inputs.settings.pretraining(model.system, model.lambda)?,
            };
            let ends = config.phases.iter().skip(1).map(|phase| phase.from_step).chain([u64::MAX]);
            let steps = |from: u64, end: u64| end.min(config.steps).saturating_sub(from) as f64;
            let phases = config.phases.iter().zip(ends);
            phases.map(|(p, end)| steps(p.from_step, end) * (p.batch * p.crop * p.crop) as f64).sum()
        }
        Task::Measure(m) => inputs.test_images(m.set).pixels as f64 * m.lambdas.len() as f64,
    };
    Ok(pixels / 1e6)
}

/// Seconds per megapixel of a training step of the task's system: of the second of two steps, on a
/// batch of the usual shape or a part of it.
fn timed_step(runner: &Runner, task: &Task) -> Result<f64> {
    let config = runner.inputs.settings.pretraining(key(task).0, [LAMBDA; 2])?;
    let (crop, batch) = config.phases.last().map_or((CANVAS_UNIT, 1), |phase| (phase.crop, phase.batch));
    let batch = batch.min(MOST_PIXELS / (crop * crop)).max(1);
    let (layout, system) = config.network.system()?;
    let values = system.initial(&layout, Initial { seed: config.seed, layer_scale: config.layer_scale });
    let device = runner.device.clone().autodiff();
    let network = &*system;
    let learner = Learner { network, layout: &layout, ranges: None, balance: Balance::default(), device: &device };
    let mut gradient = vec![0f32; layout.len()];
    let mut seconds = 0.0;
    for step in 0..2 {
        let mut pixels = vec![0f32; batch * crop * crop * 3];
        Random::new(config.seed, 0, step).fill_centred(&mut pixels);
        let input = StepInput { fresh: Some(Batch { step, crop, pixels, lambdas: vec![LAMBDA; batch] }), replay: None };
        let started = Instant::now();
        let weights = Weights::new(&layout, &values, &device, |_| true);
        learner.learn(&weights, input, Quantise::Noise { seed: config.seed, step }, &mut gradient)?;
        seconds = started.elapsed().as_secs_f64();
    }
    Ok(seconds / ((batch * crop * crop) as f64 / 1e6))
}

//! How long tasks will take on this machine: as long as those of the same system that are done, for as many pixels; where none is, as
//! a step of the network that is tried out.

use std::{collections::HashMap, time::Instant};

use super::{
    model::System,
    task::{Inputs, Task},
    workshop::Workshop,
};
use crate::{
    Result,
    data::Batch,
    model::{Quantise, Weights, initial::Initial},
    random::Random,
    trainer::{
        Config,
        step::{Balance, Learner, Work},
    },
};

/// Coding an image goes forward only, and takes about this part of a step on as many pixels.
const FORWARD: f64 = 1.0 / 3.0;
/// Most pixels of the step that is tried out: enough that what a step takes besides them does not count.
const MOST_PIXELS: usize = 1 << 17;
/// Its λ.
const LAMBDA: f32 = 256.0;

/// Two kinds of work, with a speed each.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Train,
    Measure,
}

/// Seconds per megapixel of each system and kind of work.
pub struct Pace {
    known: HashMap<(System, Kind), f64>,
}

impl Pace {
    /// That of what is done among `tasks`, and for the other systems that of a step.
    ///
    /// # Errors
    /// Settings that make no sense; a device that fails.
    pub fn of(workshop: &Workshop, tasks: &[Task]) -> Result<Self> {
        let mut sums: HashMap<(System, Kind), (f64, f64)> = HashMap::new();
        for task in tasks {
            if let Some(done) = workshop.done(task)? {
                let sum = sums.entry(key(task)).or_default();
                *sum = (sum.0 + done.seconds, sum.1 + megapixels(workshop.inputs, task)?);
            }
        }
        let mut known: HashMap<_, _> =
            sums.into_iter().map(|(key, (seconds, megapixels))| (key, seconds / megapixels.max(1e-9))).collect();
        for task in tasks {
            let (system, kind) = key(task);
            if !known.contains_key(&(system, kind)) {
                let step = match known.get(&(system, Kind::Train)) {
                    Some(step) => *step,
                    None => rehearse(workshop, task)?,
                };
                known.entry((system, Kind::Train)).or_insert(step);
                known.entry((system, Kind::Measure)).or_insert(step * FORWARD);
            }
        }
        Ok(Self { known })
    }

    /// Seconds that a task will take from its beginning.
    ///
    /// # Errors
    /// Settings that make no sense.
    pub fn expected(&self, inputs: &Inputs, task: &Task) -> Result<f64> {
        Ok(self.known.get(&key(task)).copied().unwrap_or_default() * megapixels(inputs, task)?)
    }
}

fn key(task: &Task) -> (System, Kind) {
    match task {
        Task::Train(model) => (model.system, Kind::Train),
        Task::Measure(measurement) => (measurement.encoder.system, Kind::Measure),
    }
}

/// Pixels that a task looks at, in millions.
fn megapixels(inputs: &Inputs, task: &Task) -> Result<f64> {
    let pixels = match task {
        Task::Train(model) => {
            let config = match model.learned {
                Some(_) => Config::from_toml(&inputs.settings.learning()?)?,
                None => inputs.settings.pretraining(model.system, model.lambda)?,
            };
            let ends = config.phases.iter().skip(1).map(|phase| phase.from_step).chain([u64::MAX]);
            let steps = |from: u64, end: u64| end.min(config.steps).saturating_sub(from) as f64;
            let phases = config.phases.iter().zip(ends);
            phases.map(|(p, end)| steps(p.from_step, end) * (p.batch * p.crop * p.crop) as f64).sum()
        }
        Task::Measure(m) => inputs.set(m.set).pixels as f64 * m.lambdas.len() as f64,
    };
    Ok(pixels / 1e6)
}

/// Seconds per megapixel of a step of the task's system: the second of two, on a batch as it is trained with or a part of it.
fn rehearse(workshop: &Workshop, task: &Task) -> Result<f64> {
    let config = workshop.inputs.settings.pretraining(key(task).0, [LAMBDA; 2])?;
    let (crop, batch) = config.phases.last().map_or((64, 1), |phase| (phase.crop, phase.batch));
    let batch = batch.min(MOST_PIXELS / (crop * crop)).max(1);
    let (layout, system) = config.network.system()?;
    let values = system.initial(&layout, Initial { seed: config.seed, layer_scale: config.layer_scale });
    let device = workshop.device.clone().autodiff();
    let network = &*system;
    let learner = Learner { network, layout: &layout, ranges: None, balance: Balance::default(), device: &device };
    let mut gradient = vec![0f32; layout.len()];
    let mut seconds = 0.0;
    for step in 0..2 {
        let mut pixels = vec![0f32; batch * crop * crop * 3];
        Random::new(config.seed, 0, step).fill_centred(&mut pixels);
        let work = Work { fresh: Some(Batch { step, crop, pixels, lambdas: vec![LAMBDA; batch] }), replay: None };
        let started = Instant::now();
        let weights = Weights::new(&layout, &values, &device, |_| true);
        learner.learn(&weights, work, Quantise::Noise { seed: config.seed, step }, &mut gradient)?;
        seconds = started.elapsed().as_secs_f64();
    }
    Ok(seconds / ((batch * crop * crop) as f64 / 1e6))
}

//! The training loop: steps, metrics, probes and checkpoints.

use std::time::Instant;

use burn::tensor::Device;
use heirloom_io::atomic::write_durably;

use super::{
    checkpoint::Checkpoint,
    config::{Config, Optimiser},
    evaluate::Evaluator,
    guard,
    metrics::{Metrics, Window},
    optimiser::{self, ParameterGroups, Update},
    rounding::rounded,
    run::{Options, ReplayBatches, Run},
    schedule,
    step::{Balance, Cost, Learner, StepInput},
};
use crate::{
    data::{image::RgbImage, images::Images, loader::Loader},
    error::{Result, TrainError},
    model::parameters::Weights,
};

/// Side in pixels of the images of a probe.
const PROBE_SIDE: usize = 256;

/// Trains from scratch or from the weights of a model file. Returns the last checkpoint.
///
/// # Errors
/// Folders and files that cannot be used; too many steps in a row without a finite loss.
pub fn train(config: &Config, options: &Options) -> Result<Checkpoint> {
    finish(Run::open(config, options, None)?, None)
}

/// Does the remaining steps of a run and returns the last checkpoint.
///
/// # Errors
/// Files that cannot be read or written, and too many steps in a row without a finite loss.
pub fn finish(run: Run, replay: Option<ReplayBatches>) -> Result<Checkpoint> {
    let Run { config, options, layout, images, seconds, .. } = &run;
    write_durably(&options.out.join("config.toml"), config.to_toml()?.as_bytes())?;
    log::info!(
        "{} weights, {} images (read in {seconds:.1} s), from step {} to {}",
        layout.len(),
        images.len(),
        run.step(),
        config.steps
    );
    TrainingLoop::start(run, replay)?.run()
}

/// A run while it trains.
struct TrainingLoop<'a> {
    run: Run<'a>,
    /// New images; none if every image is replayed.
    loader: Option<Loader>,
    /// Replayed images; none without replay.
    replay: Option<ReplayBatches>,
    probe: Vec<RgbImage>,
    groups: ParameterGroups,
    /// Device with automatic differentiation.
    device: Device,
    metrics: Metrics,
    window: Window,
    /// Flat, as the weights.
    gradient: Vec<f32>,
    /// Number of steps after which the loop ends.
    end: u64,
}

impl<'a> TrainingLoop<'a> {
    /// Prepares the loop and starts the threads that prepare batches.
    ///
    /// # Errors
    /// Threads that cannot be started, images of the probe that cannot be read, metrics that cannot
    /// be written.
    fn start(run: Run<'a>, replay: Option<ReplayBatches>) -> Result<Self> {
        let (config, options) = (run.config, run.options);
        let muon = (config.optimiser == Optimiser::Muon).then_some(&*run.system);
        Ok(Self {
            loader: start_loader(&run)?,
            replay,
            probe: probe_images(&run)?,
            groups: ParameterGroups::new(&run.layout, &config.freeze, muon),
            device: options.device.clone().autodiff(),
            metrics: Metrics::open(&options.out, run.step())?,
            window: Window::default(),
            gradient: vec![0.0; run.layout.len()],
            end: options.stop_at.unwrap_or(u64::MAX).min(config.steps),
            run,
        })
    }

    /// Does all steps and returns the last checkpoint.
    ///
    /// # Errors
    /// Files that cannot be read or written, and too many steps in a row without a finite loss.
    fn run(mut self) -> Result<Checkpoint> {
        let config = self.run.config;
        while self.run.step() < self.end {
            let rate = schedule::learning_rate(config, self.run.step());
            self.step(rate)?;
            let (step, last) = (self.run.step(), self.run.step() == self.end);
            if step.is_multiple_of(config.log_every) || last {
                self.metrics.steps(&mut self.window, step, config.steps, rate)?;
            }
            if config.probe_every > 0 && (step.is_multiple_of(config.probe_every) || last) {
                self.probe()?;
            }
            if step.is_multiple_of(config.checkpoint_every) || last {
                self.save()?;
            }
        }
        Ok(self.run.checkpoint)
    }

    /// One step: batch, forward, backward, update.
    fn step(&mut self, learning_rate: f64) -> Result<()> {
        let config = self.run.config;
        let fresh = self.loader.as_mut().map(Loader::next_batch).transpose()?;
        let replay = self.replay.as_mut().and_then(Iterator::next).transpose()?;
        let cost = self.gradient(StepInput { fresh, replay })?;
        let norm = if cost.is_finite() { optimiser::norm(&self.gradient) } else { f64::NAN };

        let Checkpoint { header, state } = &mut self.run.checkpoint;
        let usable = guard::is_usable(norm, header.typical_norm, state.updates, config.spike);
        if norm.is_finite() {
            header.typical_norm = guard::typical_norm(norm, header.typical_norm, config.spike);
        }
        if usable {
            let update = Update {
                learning_rate,
                beta1: config.beta1,
                beta2: config.beta2,
                epsilon: config.epsilon,
                clip: config.clip,
                norm,
                ema_decay: schedule::ema_decay(config, header.step),
                momentum: config.momentum,
                precision: config.precision,
            };
            state.update(&self.gradient, update, &self.groups);
            self.window.add(cost, norm);
            header.in_a_row = 0;
        } else {
            self.window.skip();
            header.skipped += 1;
            header.in_a_row += 1;
        }
        header.step += 1;
        header.updates = state.updates;
        if header.in_a_row >= config.max_not_finite {
            return Err(TrainError::NotFinite { step: header.step, in_a_row: header.in_a_row });
        }
        Ok(())
    }

    /// Writes the gradient of a step's loss into the buffer, unless the loss is not finite.
    fn gradient(&mut self, input: StepInput) -> Result<Cost> {
        let Run { config, layout, system, ranges, checkpoint, .. } = &self.run;
        let values = &checkpoint.state.weights;
        let learns = |name: &str| !config.freeze.iter().any(|prefix| name.starts_with(prefix.as_str()));
        let as_stored =
            schedule::rounds_weights(config, checkpoint.header.step).then(|| rounded(layout, values, learns));
        let used = as_stored.as_deref().unwrap_or(values);
        let weights = Weights::new(layout, used, &self.device, learns).in_precision(config.precision);
        let learner =
            Learner { network: &**system, layout, ranges: *ranges, balance: Balance::of(config), device: &self.device };
        let quantise = schedule::quantise(config, checkpoint.header.step);
        let cost = learner.learn(&weights, input, quantise, &mut self.gradient)?;
        drop(weights);
        system.constrain_gradient(layout, values, &mut self.gradient);
        Ok(cost)
    }

    /// Evaluates the averaged weights on the images of the probe.
    fn probe(&mut self) -> Result<()> {
        let started = Instant::now();
        let Run { config, options, ranges, checkpoint, .. } = &self.run;
        let evaluator = Evaluator::new(&config.network, &checkpoint.state.ema, *ranges, &options.device)?;
        self.metrics.probe(checkpoint.header.step, &evaluator.images(&self.probe, &config.lambda)?)?;
        self.metrics.pause(started);
        Ok(())
    }

    /// Writes a checkpoint, after everything that the metrics say of the steps before it.
    fn save(&mut self) -> Result<()> {
        let started = Instant::now();
        self.metrics.sync()?;
        self.run.checkpoint.save(&self.run.options.out, self.run.config.keep_checkpoints)?;
        self.metrics.pause(started);
        Ok(())
    }
}

fn start_loader(run: &Run) -> Result<Option<Loader>> {
    let config: &Config = run.config;
    if schedule::shape(config, 0).batch == 0 {
        return Ok(None);
    }
    let shapes = config.clone();
    let shape = move |step| schedule::shape(&shapes, step);
    Loader::start(run.images.clone(), config.sampler(), shape, run.step(), config.loader_threads).map(Some)
}

fn probe_images(run: &Run) -> Result<Vec<RgbImage>> {
    let config = run.config;
    if config.probe_every == 0 {
        return Ok(Vec::new());
    }
    let validation = match &run.options.validation {
        Some(path) => Some(Images::open(path, 0)?),
        None => None,
    };
    let images = validation.as_ref().unwrap_or(&run.images);
    (0..images.len().min(config.probe_images)).map(|i| Ok(images.image(i)?.centre(PROBE_SIDE))).collect()
}

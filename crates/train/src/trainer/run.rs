//! A run: a folder with configuration, metrics and checkpoints, begun or continued.

use std::{fs, path::PathBuf, sync::Arc, time::Instant};

use burn::tensor::Device;

use super::{
    Config,
    checkpoint::{Checkpoint, Header},
    config::Optimiser,
    evaluate::Evaluator,
    export, files, guard,
    metrics::{Metrics, Window},
    optimiser::{self, State, Update},
    schedule,
    step::{Balance, Learner, Work},
};
use crate::{
    Result, TrainError,
    data::{Folder, Loader, RgbImage, loader::Plan},
    model::{Weights, initial::Initial},
    replay::{Learning, Supply, models},
};

/// Side of the probe's images.
const PROBE_SIDE: usize = 256;

/// Where a run reads and writes.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of training images.
    pub data: PathBuf,
    /// Folder of images for the probe; the first training images if none.
    pub validation: Option<PathBuf>,
    /// The run's folder.
    pub out: PathBuf,
    /// Go on from the newest checkpoint, if there is one.
    pub resume: bool,
    /// Start from the weights of a model file.
    pub init: Option<PathBuf>,
    /// Stop (with a checkpoint) when this many steps are done, though the schedule goes on.
    pub stop_at: Option<u64>,
    pub device: Device,
    /// Nothing on the console.
    pub quiet: bool,
}

/// Trains from scratch or from the weights of a model, and returns the last checkpoint.
///
/// # Errors
/// Folders and files that cannot be used; too many steps in a row without a finite loss.
pub fn train(config: &Config, options: &Options) -> Result<Checkpoint> {
    run(config, options, None)
}

/// Trains; with `learning`, from the model that it names.
///
/// # Errors
/// As [`train`]; a configuration of a run that learns from a model without that model, or the other way round.
pub fn run(config: &Config, options: &Options, learning: Option<Learning>) -> Result<Checkpoint> {
    config.check()?;
    if config.learn.is_some() != learning.is_some() {
        let (is, verb) =
            if config.learn.is_some() { ("learns from a model", "learn") } else { ("learns from no model", "train") };
        return Err(TrainError::Config(format!("the run {is}: go on with heirloom-train {verb}")));
    }
    fs::create_dir_all(&options.out).map_err(TrainError::io("make the folder", &options.out))?;
    let (layout, system) = config.network.system()?;

    let started = Instant::now();
    let folder = Arc::new(Folder::open(&options.data, config.cache_mib << 20)?);
    let found = if options.resume { Checkpoint::newest(&options.out)? } else { None };
    if found.is_none() && !options.resume && Checkpoint::newest(&options.out)?.is_some() {
        return Err(TrainError::Config(format!(
            "{} already holds a run; resume it, or name another folder",
            options.out.display()
        )));
    }
    let replay_manifest = learning.as_ref().and_then(|l| l.memory.as_ref()).map(|memory| memory.manifest().to_owned());
    let (mut state, mut header) = match found {
        Some(Checkpoint { header, state }) => {
            if header.network().resolved() != config.network.resolved() {
                return Err(TrainError::Checkpoint("it is of another network than the configuration's".into()));
            }
            if header.data_manifest != folder.manifest() {
                eprintln!("the images in {} are not those the run began with", options.data.display());
            }
            if header.replay_manifest != replay_manifest {
                eprintln!("what is replayed is not what the run began with");
            }
            let data_manifest = folder.manifest().to_owned();
            (state, Header { config: config.clone(), data_manifest, replay_manifest, ..header })
        }
        None => {
            let start = match (&learning, &options.init) {
                (Some(learning), _) => learning.lesson.start.clone(),
                (None, Some(_)) if config.network.spec().is_none() => {
                    return Err(TrainError::Config(
                        "no model file holds a baseline: leave out --init, or go on from a run with heirloom-train learn".into(),
                    ));
                }
                (None, Some(path)) => export::values(&layout, &models::read(path)?.weights)?,
                (None, None) => system.initial(&layout, Initial { seed: config.seed, layer_scale: config.layer_scale }),
            };
            let header = Header {
                step: 0,
                updates: 0,
                skipped: 0,
                in_a_row: 0,
                typical_norm: 0.0,
                weights: layout.len(),
                spec: config.network.spec(),
                config: config.clone(),
                data_manifest: folder.manifest().to_owned(),
                replay_manifest,
            };
            (State::new(start), header)
        }
    };
    // The models first: a folder with a configuration has them.
    learning.as_ref().map_or(Ok(()), |learning| learning.lesson.keep(&options.out))?;
    files::replace(&options.out.join("config.toml"), config.to_toml()?.as_bytes())?;
    if !options.quiet {
        println!(
            "{} weights, {} images (read in {:.1} s), from step {} to {}",
            layout.len(),
            folder.len(),
            started.elapsed().as_secs_f64(),
            header.step,
            config.steps
        );
    }

    let probe = probe_images(config, options, &folder)?;
    let orthogonal = (config.optimiser == Optimiser::Muon).then_some(&*system);
    let learned = optimiser::Plan::new(&layout, &config.freeze, orthogonal);
    let thawed = |name: &str| !config.freeze.iter().any(|prefix| name.starts_with(prefix.as_str()));
    let plan = Plan { seed: config.seed, augmentation: config.augmentation.clone(), lambda: config.lambda };
    let shapes = config.clone();
    let threads = config.loader_threads;
    let mut loader = if schedule::shape(config, 0).batch > 0 {
        Some(Loader::start(folder, plan, move |step| schedule::shape(&shapes, step), header.step, threads)?)
    } else {
        None
    };
    let ranges = learning.as_ref().map(|learning| learning.lesson.ranges);
    let mut replay =
        learning.map_or(Ok(None), |learning| Supply::start(config, learning, header.step, &options.device))?;
    let device = options.device.clone().autodiff();
    let balance = Balance::of(config);
    let learner = Learner { network: &*system, layout: &layout, ranges, balance, device: &device };
    let mut metrics = Metrics::open(&options.out, header.step, options.quiet)?;
    let mut window = Window::default();
    let mut gradient = vec![0f32; layout.len()];
    let end = options.stop_at.unwrap_or(u64::MAX).min(config.steps);
    let mut saved = None;
    while header.step < end {
        let fresh = loader.as_mut().map(Loader::next_batch).transpose()?;
        let work = Work { fresh, replay: replay.as_mut().map(Supply::next_batch).transpose()? };
        let weights = Weights::new(&layout, &state.weights, &device, thawed).in_precision(config.precision);
        let quantise = schedule::quantise(config, header.step);
        let cost = learner.learn(&weights, work, quantise, &mut gradient)?;
        drop(weights);
        system.hold(&layout, &state.weights, &mut gradient);
        let norm = if cost.is_finite() { optimiser::norm(&gradient) } else { f64::NAN };
        let rate = schedule::learning_rate(config, header.step);
        let usable = guard::usable(norm, header.typical_norm, state.updates, config.spike);
        if norm.is_finite() {
            header.typical_norm = guard::typical(norm, header.typical_norm, config.spike);
        }
        if usable {
            let update = Update {
                learning_rate: rate,
                beta1: config.beta1,
                beta2: config.beta2,
                epsilon: config.epsilon,
                clip: config.clip,
                norm,
                ema_decay: schedule::ema_decay(config, header.step),
                momentum: config.momentum,
            };
            state.update(&gradient, update, &learned);
            window.add(cost, norm);
            header.in_a_row = 0;
        } else {
            window.skip();
            header.skipped += 1;
            header.in_a_row += 1;
        }
        header.step += 1;
        header.updates = state.updates;
        if header.in_a_row >= config.max_not_finite {
            return Err(TrainError::NotFinite { step: header.step, in_a_row: header.in_a_row });
        }
        let last = header.step == end;
        if header.step % config.log_every == 0 || last {
            metrics.steps(&mut window, header.step, config.steps, rate)?;
        }
        if config.probe_every > 0 && (header.step % config.probe_every == 0 || last) {
            let started = Instant::now();
            let evaluator = Evaluator::new(&config.network, &state.ema, ranges, &options.device)?;
            metrics.probe(header.step, &evaluator.images(&probe, &config.lambda)?)?;
            metrics.pause(started);
        }
        if header.step % config.checkpoint_every == 0 || last {
            let started = Instant::now();
            metrics.sync()?;
            let checkpoint = Checkpoint { header: header.clone(), state };
            checkpoint.save(&options.out, config.keep_checkpoints)?;
            state = if last {
                saved = Some(checkpoint);
                State::new(Vec::new())
            } else {
                checkpoint.state
            };
            metrics.pause(started);
        }
    }
    Ok(saved.unwrap_or(Checkpoint { header, state }))
}

fn probe_images(config: &Config, options: &Options, training: &Folder) -> Result<Vec<RgbImage>> {
    if config.probe_every == 0 {
        return Ok(Vec::new());
    }
    let other = match &options.validation {
        Some(path) => Some(Folder::open(path, 0)?),
        None => None,
    };
    let folder = other.as_ref().unwrap_or(training);
    (0..folder.len().min(config.probe_images)).map(|i| Ok(folder.image(i)?.centre(PROBE_SIDE))).collect()
}

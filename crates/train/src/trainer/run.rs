//! A run: a folder with a configuration, metrics and checkpoints. Opens it, and restores its newest
//! checkpoint or begins anew.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use burn::tensor::Device;
use heirloom_codec::model::LambdaRanges;
use heirloom_store::StoredModel;

use super::{
    checkpoint::{Checkpoint, Header},
    config::Config,
    export,
    optimiser::State,
    start,
    step::ReplayBatch,
};
use crate::{
    data::images::Images,
    error::{Result, TrainError},
    model::{parameters::Layout, system::System},
};

/// Paths, device and end of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Training images: a folder or a pack.
    pub data: PathBuf,
    /// Images for probes: a folder or a pack. The first training images if none.
    pub validation: Option<PathBuf>,
    /// The run's folder.
    pub out: PathBuf,
    /// Continue from the newest checkpoint, if there is one.
    pub resume: bool,
    /// Model file whose weights training starts from.
    pub init: Option<PathBuf>,
    /// Stop with a checkpoint after this many steps, with the schedule of the whole run.
    pub stop_at: Option<u64>,
    pub device: Device,
}

/// The model that a run learns from, as far as the loop needs it.
#[derive(Clone, Debug)]
pub struct Parent {
    /// Flat weights that a new run starts from.
    pub start: Vec<f32>,
    /// λ range of each branch, to which λ is clamped.
    pub ranges: LambdaRanges,
    /// Hash of what is replayed; none without replay.
    pub replay_manifest: Option<String>,
}

/// Replayed batches, one per step, beginning with the step that the run continues from.
pub type ReplayBatches = Box<dyn Iterator<Item = Result<ReplayBatch>>>;

/// An opened run. Nothing but its folder has been written yet.
pub struct Run<'a> {
    pub(super) config: &'a Config,
    pub(super) options: &'a Options,
    pub(super) layout: Layout,
    pub(super) system: Box<dyn System>,
    pub(super) images: Arc<Images>,
    /// λ range of each branch; none for no clamping.
    pub(super) ranges: Option<LambdaRanges>,
    /// The state that training continues from, then that after the last step.
    pub(super) checkpoint: Checkpoint,
    /// Seconds that opening took.
    pub(super) seconds: f64,
}

impl<'a> Run<'a> {
    /// Reads the images and restores the newest checkpoint, or begins a new run. A configuration
    /// with `[learn]` needs a `parent`; any other must have none.
    ///
    /// # Errors
    /// A configuration that contradicts itself, the checkpoint or `parent`; unusable folders and
    /// files; a folder that already holds a run, unless it is to be resumed.
    pub fn open(config: &'a Config, options: &'a Options, parent: Option<Parent>) -> Result<Self> {
        config.check()?;
        check_verb(config, parent.is_some())?;
        let out = &options.out;
        fs::create_dir_all(out).map_err(TrainError::io("create the folder", out))?;
        let started = Instant::now();
        let (layout, system) = config.network.system()?;
        let images = Images::open(&options.data, config.cache_mib << 20)?;
        let newest = Checkpoint::newest(out)?;
        let replay_manifest = parent.as_ref().and_then(|parent| parent.replay_manifest.clone());
        let checkpoint = match newest {
            Some(_) if !options.resume => {
                return Err(TrainError::Config(format!(
                    "{} already holds a run; resume it, or name another folder",
                    out.display()
                )));
            }
            Some(checkpoint) => restore(checkpoint, config, &images, replay_manifest, &options.data)?,
            None => {
                let weights = match (&parent, &options.init) {
                    (Some(parent), _) => parent.start.clone(),
                    (None, Some(path)) => {
                        let weights = export::floats(&StoredModel::open(path)?.load()?)?;
                        start::report_lacking(config, &weights);
                        start::of_model(config, &weights)?
                    }
                    (None, None) => start::initial(config)?,
                };
                begin(weights, config, &images, replay_manifest)
            }
        };
        let ranges = parent.map(|parent| parent.ranges);
        let (images, seconds) = (Arc::new(images), started.elapsed().as_secs_f64());
        Ok(Self { config, options, layout, system, images, ranges, checkpoint, seconds })
    }

    /// Number of the step that comes next.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.checkpoint.header.step
    }
}

/// Checks that a run which learns from a model is given one, and that no other run is.
fn check_verb(config: &Config, learns: bool) -> Result<()> {
    match (config.learn.is_some(), learns) {
        (true, false) => {
            Err(TrainError::Config("this run learns from a model; continue it with heirloom-train learn".into()))
        }
        (false, true) => {
            Err(TrainError::Config("this run learns from no model; continue it with heirloom-train train".into()))
        }
        _ => Ok(()),
    }
}

/// The state after a checkpoint, with the settings of `config` from here on.
fn restore(
    checkpoint: Checkpoint,
    config: &Config,
    images: &Images,
    replay_manifest: Option<String>,
    data: &Path,
) -> Result<Checkpoint> {
    let Checkpoint { header, state } = checkpoint;
    if header.network().resolved() != config.network.resolved() {
        return Err(TrainError::Checkpoint("its network differs from that of the configuration".into()));
    }
    if header.data_manifest != images.manifest() {
        log::warn!("the images in {} differ from those the run began with", data.display());
    }
    if header.replay_manifest != replay_manifest {
        log::warn!("the replayed images differ from those the run began with");
    }
    let data_manifest = images.manifest().to_owned();
    Ok(Checkpoint { header: Header { config: config.clone(), data_manifest, replay_manifest, ..header }, state })
}

/// The state before the first step.
fn begin(weights: Vec<f32>, config: &Config, images: &Images, replay_manifest: Option<String>) -> Checkpoint {
    let header = Header {
        step: 0,
        updates: 0,
        skipped: 0,
        in_a_row: 0,
        typical_norm: 0.0,
        weights: weights.len(),
        spec: config.network.spec(),
        config: config.clone(),
        data_manifest: images.manifest().to_owned(),
        replay_manifest,
    };
    Checkpoint { header, state: State::new(weights) }
}

//! The plan of a run that learns from a model, and the model that results.

use std::{fs, path::Path};

use heirloom_codec::model::{Branch, LambdaRange, LambdaRanges, ModelError, ModelFile, add_on::is_head};

use super::generation::Generation;
use crate::{
    error::{Result, TrainError},
    model::parameters::Layout,
    trainer::{
        calibration::Calibration,
        checkpoint::Checkpoint,
        config::Config,
        export,
        learn_config::{LearnConfig, ReplayKind, Strategy},
        start,
    },
};

/// Folder in a run that keeps the models it learns from, so that the run can be moved, continued
/// and exported without them.
const MODELS: &str = "models";

/// A parent, and the rules by which a new model comes of it.
#[derive(Clone, Debug)]
pub struct LearningPlan {
    strategy: Strategy,
    /// The parent, then the replayed generations before it.
    pub teachers: Vec<Generation>,
    /// λ ranges of the new model.
    pub ranges: LambdaRanges,
    /// Flat weights that learning starts from: those of the parent, with rescaled λ perceptrons if
    /// the range of λ grows, and with initial values for options and blocks that its network lacks.
    pub start: Vec<f32>,
}

impl LearningPlan {
    /// Plans to learn from `parent`. `config` has the range of λ of the new images, and the new
    /// model also covers that of the parent; it may add options and blocks to the parent's network.
    ///
    /// # Errors
    /// A λ beyond what any model may claim, or another network.
    pub fn new(strategy: Strategy, parent: Generation, ancestors: Vec<Generation>, config: &Config) -> Result<Self> {
        let old = parent.ranges();
        let all = [old.encoder, old.reconstruction].into_iter().fold(LambdaRange::from(config.lambda), hull);
        let (widened, values) = parent.widened(all)?;
        let (ranges, start) = match strategy {
            Strategy::Replay | Strategy::AddOn => (widened, values),
            // The old reconstruction branch stays, and with it its range of λ.
            Strategy::Encoder => {
                let mut start = parent.values()?;
                let layout = parent.network().system()?.0;
                for entry in
                    layout.entries().iter().filter(|entry| Branch::of_tensor(&entry.name) == Some(Branch::Encoder))
                {
                    let range = entry.offset..entry.offset + entry.len;
                    start[range.clone()].copy_from_slice(&values[range]);
                }
                (LambdaRanges { encoder: all, ..old }, start)
            }
            // End to end.
            _ => (LambdaRanges::all(hull(all, old.entropy)), values),
        };
        let start = if config.network.resolved() == parent.network() {
            start
        } else {
            start::of_model(config, &export::weights(&parent.network().system()?.0, &start))?
        };
        let teachers = std::iter::once(parent).chain(ancestors).collect();
        Ok(Self { strategy, teachers, ranges, start })
    }

    /// Reads the plan of a run, from the models that its folder keeps.
    ///
    /// # Errors
    /// A configuration without `[learn]`, or models that are missing or damaged.
    pub fn of_run(run: &Path, config: &Config) -> Result<Self> {
        let Some(learn) = &config.learn else {
            return Err(TrainError::Config(format!("{} holds a run that learns from no model", run.display())));
        };
        let folder = run.join(MODELS);
        let mut models = Vec::new();
        for id in std::iter::once(&learn.from).chain(&learn.ancestors) {
            models.push(Generation::read(&folder, *id)?.ok_or_else(|| {
                TrainError::Model(format!("{} lacks generation {id}, which the run learns from", folder.display()))
            })?);
        }
        let parent = models.remove(0);
        Self::new(learn.strategy, parent, models, config)
    }

    /// Writes the models into the run's folder.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write_models(&self, run: &Path) -> Result<()> {
        let folder = run.join(MODELS);
        fs::create_dir_all(&folder).map_err(TrainError::io("create the folder", &folder))?;
        self.teachers.iter().try_for_each(|generation| generation.write(&folder))
    }

    /// The generation that is learned from.
    #[must_use]
    pub fn parent(&self) -> &Generation {
        // `new` puts it there.
        &self.teachers[0]
    }

    /// Makes the model of a checkpoint, in integers. Frozen tensors are the parent's to the bit. The
    /// model is a child of the parent, or for the strategy `end-to-end` generation 0 of another
    /// lineage.
    ///
    /// # Errors
    /// A baseline, weights that are not finite, or frozen weights that have changed.
    pub fn child(&self, checkpoint: &Checkpoint, calibration: &Calibration, preview: bool) -> Result<ModelFile> {
        let header = &checkpoint.header;
        let spec = export::codec_spec(header)?;
        let (parent, layout) = (self.parent().file()?, Layout::new(spec));
        let learned = export::weights(&layout, &checkpoint.state.ema);
        let is_frozen = |name: &str| header.config.freeze.iter().any(|prefix| name.starts_with(prefix.as_str()));
        for (name, tensor) in export::weights(&layout, &self.start).iter() {
            if !is_frozen(name) {
                continue;
            }
            let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            if learned.get(name).is_none_or(|now| bits(&now.data) != bits(&tensor.data)) {
                return Err(TrainError::Parameter(format!("{name} was frozen but has changed since the start")));
            }
        }
        let refused = |e: ModelError| TrainError::Model(e.to_string());
        let mut weights = calibration.quantised(spec, &self.ranges, &learned)?;
        if self.strategy == Strategy::AddOn {
            weights.take_add_ons(&parent.weights);
            weights.push_add_on(&weights.clone());
        }
        let keep = |name: &str| is_frozen(name) || (self.strategy == Strategy::AddOn && is_head(name));
        for (name, tensor) in parent.weights.iter().filter(|(name, _)| keep(name)) {
            weights.insert(name.to_owned(), tensor.clone());
        }
        let mut file = if self.strategy == Strategy::EndToEnd {
            ModelFile::new(spec.clone(), self.ranges, weights).map_err(refused)?
        } else {
            parent.grown_child(spec.clone(), self.ranges, weights).map_err(refused)?
        };
        file.metadata.licence.clone_from(&parent.metadata.licence);
        export::describe(&mut file, header, preview);
        let provenance = &mut file.metadata.provenance;
        provenance.set_strategy(self.strategy);
        provenance.set_learned_from(parent.metadata.lineage.generation_id);
        if let (Some(learn), Some(manifest)) = (&header.config.learn, &header.replay_manifest) {
            provenance.set_replay_share(learn.replay_share);
            provenance.set_replay_manifest(manifest);
        }
        Ok(file)
    }

    /// The part `[learn]` of the configuration of a run with this plan.
    #[must_use]
    pub fn config(&self, replay: Option<ReplayKind>, replay_share: f64) -> LearnConfig {
        let ancestors = self.teachers[1..].iter().map(Generation::id).collect();
        LearnConfig { strategy: self.strategy, from: self.parent().id(), ancestors, replay, replay_share }
    }
}

/// Makes the model of a checkpoint of the run in the folder `run`, whether it learned from a model
/// or from scratch. Without one that it got from its parent, its thumbnail head is fitted anew.
///
/// # Errors
/// Errors of [`LearningPlan::of_run`], [`LearningPlan::child`] and [`export::model`].
pub fn exported(checkpoint: &Checkpoint, run: &Path, calibration: &Calibration, preview: bool) -> Result<ModelFile> {
    let model = match &checkpoint.header.config.learn {
        Some(_) => LearningPlan::of_run(run, &checkpoint.header.config)?.child(checkpoint, calibration, preview)?,
        None => export::model(checkpoint, calibration, preview)?,
    };
    if model.weights.has_thumbnail() { Ok(model) } else { calibration.with_thumbnail(model) }
}

/// The smallest range that holds both.
fn hull(a: LambdaRange, b: LambdaRange) -> LambdaRange {
    LambdaRange { low: a.low.min(b.low), high: a.high.max(b.high) }
}

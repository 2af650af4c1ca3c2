//! What a run learns from: the parent, the generations before it, what stays fixed; and the child that comes of it.

use std::{fs, path::Path};

use heirloom_codec::model::{LambdaRange, LambdaRanges, ModelFile};

use super::{
    Generation,
    settings::{Learn, Source, Strategy},
};
use crate::{
    Result, TrainError,
    model::Layout,
    trainer::{Config, checkpoint::Checkpoint, export},
};

/// Folder in a run that keeps the models that it learns from, so that it can go on, and be exported, wherever it is moved.
const KEPT: &str = "models";

/// A parent and what becomes of it.
#[derive(Clone, Debug)]
pub struct Lesson {
    strategy: Strategy,
    /// The parent, then the generations before it that are replayed.
    pub teachers: Vec<Generation>,
    /// λ ranges of the child.
    pub ranges: LambdaRanges,
    /// The flat weights that learning starts from: the parent's, with rescaled λ perceptrons where λ goes beyond its range.
    pub start: Vec<f32>,
}

impl Lesson {
    /// A lesson from `parent`. `lambda` are the lowest and highest λ of new images; the child knows the parent's too.
    ///
    /// # Errors
    /// λ beyond what any model may claim.
    pub fn new(strategy: Strategy, parent: Generation, ancestors: Vec<Generation>, lambda: [f32; 2]) -> Result<Self> {
        let old = parent.ranges();
        let all = [old.encoder, old.reconstruction].into_iter().fold(LambdaRange::from(lambda), hull);
        let (widened, values) = parent.widened(all)?;
        let (ranges, start) = match strategy {
            Strategy::Replay => (widened, values),
            // The old reconstruction stays, and with it the range of λ that it knows.
            Strategy::Encoder => {
                let mut start = parent.values()?;
                let layout = parent.network().system()?.0;
                for entry in layout.entries().iter().filter(|entry| entry.name.starts_with("encoder.")) {
                    let range = entry.offset..entry.offset + entry.len;
                    start[range.clone()].copy_from_slice(&values[range]);
                }
                (LambdaRanges { encoder: all, ..old }, start)
            }
            Strategy::EndToEnd => (LambdaRanges::all(hull(all, old.entropy)), values),
        };
        let teachers = std::iter::once(parent).chain(ancestors).collect();
        Ok(Self { strategy, teachers, ranges, start })
    }

    /// The lesson of a run, from the models that its folder keeps.
    ///
    /// # Errors
    /// A configuration without `[learn]`, or models that are not there or damaged.
    pub fn of_run(run: &Path, config: &Config) -> Result<Self> {
        let Some(learn) = &config.learn else {
            return Err(TrainError::Config(format!("{} holds a run that learns from no model", run.display())));
        };
        let folder = run.join(KEPT);
        let mut kept = Vec::new();
        for id in std::iter::once(&learn.from).chain(&learn.ancestors) {
            kept.push(Generation::kept(&folder, *id)?.ok_or_else(|| {
                TrainError::Model(format!("{} lacks generation {id}, which the run learns from", folder.display()))
            })?);
        }
        let parent = kept.remove(0);
        Self::new(learn.strategy, parent, kept, config.lambda)
    }

    /// Writes the models into the run's folder.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn keep(&self, run: &Path) -> Result<()> {
        let folder = run.join(KEPT);
        fs::create_dir_all(&folder).map_err(TrainError::io("make the folder", &folder))?;
        self.teachers.iter().try_for_each(|generation| generation.keep(&folder))
    }

    /// The generation that is learned from.
    #[must_use]
    pub fn parent(&self) -> &Generation {
        // `new` puts it there.
        &self.teachers[0]
    }

    /// The model of a checkpoint: rounded to bf16 unless `full` is set, but for what was frozen, which is the parent's to the
    /// bit. A child of the parent; for the strategy `end-to-end` a generation 0 of another lineage.
    ///
    /// # Errors
    /// A baseline, weights that are not finite, or frozen ones that are not those of the start.
    pub fn child(&self, checkpoint: &Checkpoint, full: bool, preview: bool) -> Result<ModelFile> {
        let header = &checkpoint.header;
        let spec = export::codec_spec(header)?;
        let (parent, layout) = (self.parent().file()?, Layout::new(spec));
        let learned = export::weights(&layout, &checkpoint.state.ema);
        let mut weights = if full { learned.clone() } else { learned.rounded_to_bf16() };
        for (name, tensor) in export::weights(&layout, &self.start).iter() {
            if !header.config.freeze.iter().any(|prefix| name.starts_with(prefix.as_str())) {
                continue;
            }
            let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            if learned.get(name).is_none_or(|now| bits(&now.data) != bits(&tensor.data)) {
                return Err(TrainError::Parameter(format!("{name} was frozen, but is not what it was at the start")));
            }
            weights.insert(name.to_owned(), tensor.clone());
        }
        let refused = |e: heirloom_codec::model::ModelError| TrainError::Model(e.to_string());
        let mut file = if self.strategy == Strategy::EndToEnd {
            ModelFile::new(spec.clone(), self.ranges, weights).map_err(refused)?
        } else {
            parent.child(self.ranges, weights).map_err(refused)?
        };
        file.metadata.licence.clone_from(&parent.metadata.licence);
        export::describe(&mut file, header, preview);
        let notes = &mut file.metadata.provenance.notes;
        notes.insert("strategy".into(), self.strategy.name().into());
        notes.insert("learned_from".into(), parent.metadata.lineage.generation_id.to_string());
        if let (Some(learn), Some(manifest)) = (&header.config.learn, &header.replay_manifest) {
            notes.insert("replay_share".into(), learn.replay_share.to_string());
            notes.insert("replay_manifest".into(), manifest.clone());
        }
        Ok(file)
    }

    /// What a configuration says about this lesson, with this replay.
    #[must_use]
    pub fn settings(&self, replay: Option<Source>, replay_share: f64) -> Learn {
        let ancestors = self.teachers[1..].iter().map(Generation::id).collect();
        Learn { strategy: self.strategy, from: self.parent().id(), ancestors, replay, replay_share }
    }
}

/// The smallest range that holds both.
fn hull(a: LambdaRange, b: LambdaRange) -> LambdaRange {
    LambdaRange { low: a.low.min(b.low), high: a.high.max(b.high) }
}

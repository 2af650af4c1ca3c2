//! A model with fixed weights: one to learn from, or an earlier one whose files are replayed.

use std::path::Path;

use heirloom_codec::model::{GenerationId, LambdaRange, LambdaRanges, ModelFile};
use heirloom_store::{Store, file_name};

use super::{models, snapshot::Snapshot};
use crate::{
    Result, TrainError,
    model::Layout,
    trainer::{config::NetworkConfig, export, files},
};

/// A model with fixed weights.
#[derive(Clone, Debug)]
pub enum Generation {
    /// One that the codec runs.
    File(Box<ModelFile>),
    /// One that it does not: the averaged weights of a run.
    Snapshot(Box<Snapshot>),
}

/// Whether a path is a run or a checkpoint, not a model.
fn is_run(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|e| e == "bin")
}

impl From<ModelFile> for Generation {
    fn from(file: ModelFile) -> Self {
        Self::File(Box::new(file))
    }
}

impl Generation {
    /// The generation that a path names, and those before it that it brings along: a run of a baseline brings its own teachers, a
    /// model none.
    ///
    /// # Errors
    /// A model that is not here, or is damaged; a run of a network that makes model files.
    pub fn named(what: &Path, store: &Store) -> Result<(Self, Vec<Self>)> {
        if is_run(what) {
            let (snapshot, ancestors) = Snapshot::of_run(what)?;
            return Ok((Self::Snapshot(Box::new(snapshot)), ancestors));
        }
        Ok((models::named(what, store)?.load()?.into(), Vec::new()))
    }

    /// The id of what [`Self::named`] finds.
    ///
    /// # Errors
    /// As there.
    pub fn id_of(what: &Path, store: &Store) -> Result<GenerationId> {
        if is_run(what) {
            return Ok(Snapshot::of_run(what)?.0.id());
        }
        Ok(models::named(what, store)?.lineage().generation_id)
    }

    /// One that a run's folder of models keeps; none if it does not.
    ///
    /// # Errors
    /// A folder that cannot be read, or a damaged model.
    pub fn kept(folder: &Path, id: GenerationId) -> Result<Option<Self>> {
        let snapshot = Snapshot::path(folder, id);
        if snapshot.exists() {
            return Snapshot::read(&snapshot).map(|snapshot| Some(Self::Snapshot(Box::new(snapshot))));
        }
        let store = Store::open(Some(folder))?;
        // The run's own file goes before the model in the program, which comes first.
        let member = store.members.iter().rev().find(|member| member.lineage().generation_id == id);
        Ok(member.map(|member| member.load()).transpose()?.map(Self::from))
    }

    /// Keeps it in a run's folder of models.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn keep(&self, folder: &Path) -> Result<()> {
        match self {
            Self::File(file) => {
                let bytes = file.to_bytes().map_err(|e| TrainError::Model(e.to_string()))?;
                files::replace(&folder.join(file_name(&file.metadata.lineage)), &bytes)
            }
            Self::Snapshot(snapshot) => snapshot.write(&Snapshot::path(folder, snapshot.id())),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> GenerationId {
        match self {
            Self::File(file) => file.metadata.lineage.generation_id,
            Self::Snapshot(snapshot) => snapshot.id(),
        }
    }

    /// Its network.
    #[must_use]
    pub fn network(&self) -> NetworkConfig {
        match self {
            Self::File(file) => NetworkConfig::Full(Box::new(file.metadata.spec.clone())),
            Self::Snapshot(snapshot) => snapshot.network().clone(),
        }
    }

    /// λ range of each branch.
    #[must_use]
    pub fn ranges(&self) -> LambdaRanges {
        match self {
            Self::File(file) => file.metadata.lambda,
            Self::Snapshot(snapshot) => snapshot.ranges(),
        }
    }

    /// Its weights, flat.
    ///
    /// # Errors
    /// Weights that are not those of its network.
    pub fn values(&self) -> Result<Vec<f32>> {
        match self {
            Self::File(file) => export::values(&Layout::new(&file.metadata.spec), &file.weights),
            Self::Snapshot(snapshot) => Ok(snapshot.values().to_vec()),
        }
    }

    /// The model file, where the codec runs it.
    ///
    /// # Errors
    /// A baseline.
    pub fn file(&self) -> Result<&ModelFile> {
        match self {
            Self::File(file) => Ok(file),
            Self::Snapshot(snapshot) => Err(TrainError::Model(format!(
                "the baseline {} has no model file, and there are no files of it: replay old images (--replay-data)",
                snapshot.network().name()
            ))),
        }
    }

    /// Its λ ranges and weights with encoder and reconstruction stretched to `range` (method, "rate-incremental"): for a higher
    /// upper end the first layer of their λ perceptrons is divided, for a lower lower end the last.
    ///
    /// # Errors
    /// A range that does not hold the old one, or that no model may claim; a system of one λ, which has none other.
    pub fn widened(&self, range: LambdaRange) -> Result<(LambdaRanges, Vec<f32>)> {
        let refused = |e: heirloom_codec::model::ModelError| TrainError::Model(e.to_string());
        let snapshot = match self {
            Self::File(file) => {
                let widened = Self::from(file.widened(range).map_err(refused)?);
                return Ok((widened.ranges(), widened.values()?));
            }
            Self::Snapshot(snapshot) => snapshot,
        };
        let (old, mut values) = (snapshot.ranges(), snapshot.values().to_vec());
        if !snapshot.network().follows_lambda() {
            return match range == old.encoder {
                true => Ok((old, values)),
                false => Err(TrainError::Config(format!(
                    "{} knows one λ, {}: leave out --lambda",
                    snapshot.network().name(),
                    old.encoder.low
                ))),
            };
        }
        let ranges = LambdaRanges { entropy: old.entropy, encoder: range, reconstruction: range };
        ranges.validate().map_err(refused)?;
        let layout = snapshot.network().system()?.0;
        let quotient = |a: f32, b: f32| (f64::from(a) / f64::from(b)) as f32;
        for (branch, old) in [("encoder", old.encoder), ("reconstruction", old.reconstruction)] {
            let layers = [("fc1", quotient(old.high, range.high)), ("fc2", quotient(range.low, old.low))];
            for (layer, factor) in layers {
                let entry = layout.entry(&format!("{branch}.lambda.{layer}.weight"))?;
                values[entry.offset..entry.offset + entry.len].iter_mut().for_each(|v| *v *= factor);
            }
        }
        Ok((ranges, values))
    }
}

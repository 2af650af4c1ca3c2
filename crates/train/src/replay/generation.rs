//! A model with fixed weights: the parent, or an earlier generation.

use std::path::Path;

use heirloom_codec::model::{GenerationId, LambdaRange, LambdaRanges, ModelError, ModelFile};
use heirloom_io::atomic::write_durably;
use heirloom_store::{Store, file_name};

use super::snapshot::Snapshot;
use crate::{
    error::{Result, TrainError},
    model::parameters::Layout,
    trainer::{export, network_config::NetworkConfig},
};

/// A model with fixed weights.
#[derive(Clone, Debug)]
pub enum Generation {
    /// A model that the codec runs.
    File(Box<ModelFile>),
    /// The averaged weights of a run of a baseline, which the codec does not run.
    Snapshot(Box<Snapshot>),
}

impl From<ModelFile> for Generation {
    fn from(file: ModelFile) -> Self {
        Self::File(Box::new(file))
    }
}

impl From<Snapshot> for Generation {
    fn from(snapshot: Snapshot) -> Self {
        Self::Snapshot(Box::new(snapshot))
    }
}

impl Generation {
    /// Reads a generation that a run's folder of models keeps; none if it is not there.
    ///
    /// # Errors
    /// A folder that cannot be read, or a damaged model.
    pub fn read(folder: &Path, id: GenerationId) -> Result<Option<Self>> {
        let snapshot = Snapshot::path(folder, id);
        if snapshot.exists() {
            return Snapshot::read(&snapshot).map(|snapshot| Some(snapshot.into()));
        }
        let store = Store::open(Some(folder))?;
        // The run's own file is preferred to the model in the program, which comes first.
        let model = store.models.iter().rev().find(|model| model.lineage().generation_id == id);
        Ok(model.map(|model| model.load()).transpose()?.map(Self::from))
    }

    /// Writes the generation into a run's folder of models.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        match self {
            Self::File(file) => {
                let bytes = file.to_bytes().map_err(|e| TrainError::Model(e.to_string()))?;
                Ok(write_durably(&folder.join(file_name(&file.metadata.lineage)), &bytes)?)
            }
            Self::Snapshot(snapshot) => snapshot.write(&Snapshot::path(folder, snapshot.id())),
        }
    }

    /// Id of the generation.
    #[must_use]
    pub fn id(&self) -> GenerationId {
        match self {
            Self::File(file) => file.metadata.lineage.generation_id,
            Self::Snapshot(snapshot) => snapshot.id(),
        }
    }

    /// Network of the generation.
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

    /// Flat weights.
    ///
    /// # Errors
    /// Weights of another network than the spec's.
    pub fn values(&self) -> Result<Vec<f32>> {
        match self {
            Self::File(file) => export::values(&Layout::new(&file.metadata.spec), &export::floats(file)?),
            Self::Snapshot(snapshot) => Ok(snapshot.values().to_vec()),
        }
    }

    /// The model file, if the codec runs the generation.
    ///
    /// # Errors
    /// A baseline.
    pub fn file(&self) -> Result<&ModelFile> {
        match self {
            Self::File(file) => Ok(file),
            Self::Snapshot(snapshot) => Err(TrainError::Model(format!(
                "the baseline {} has no model file and writes no files: replay old images (--replay-data)",
                snapshot.network().name()
            ))),
        }
    }

    /// λ ranges and flat weights with encoder and reconstruction branch widened to `range`: their λ
    /// perceptrons are rescaled as [`ModelFile::widened`] says.
    ///
    /// # Errors
    /// A range that does not hold the old one, or that no model may claim; any other range for a
    /// system of a single λ.
    pub fn widened(&self, range: LambdaRange) -> Result<(LambdaRanges, Vec<f32>)> {
        let refused = |e: ModelError| TrainError::Model(e.to_string());
        let snapshot = match self {
            Self::File(file) => {
                let widened = Self::from(file.widened(range).map_err(refused)?);
                return Ok((widened.ranges(), widened.values()?));
            }
            Self::Snapshot(snapshot) => snapshot,
        };
        let (old, values) = (snapshot.ranges(), snapshot.values());
        if !snapshot.network().follows_lambda() {
            return match range == old.encoder {
                true => Ok((old, values.to_vec())),
                false => Err(TrainError::Config(format!(
                    "{} codes at one λ, {}: leave out --lambda",
                    snapshot.network().name(),
                    old.encoder.low
                ))),
            };
        }
        let layout = snapshot.network().system()?.0;
        let mut weights = export::weights(&layout, values);
        let ranges = weights.widen(old, range).map_err(refused)?;
        Ok((ranges, export::values(&layout, &weights)?))
    }
}

//! Finding the model to learn from: a model, or a run of a baseline.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use heirloom_codec::model::{GenerationId, LambdaRange, LambdaRanges};
use heirloom_store::{ModelRef, Store};

use super::{
    generation::Generation,
    learning_plan::LearningPlan,
    snapshot::{Header, Snapshot},
};
use crate::{
    error::{Result, TrainError},
    trainer::{
        checkpoint::{self, Checkpoint},
        learn_config::Strategy,
    },
};

/// Reference to the model to learn from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParentRef {
    /// A model.
    Model(ModelRef),
    /// The folder of a baseline's run, or one of its checkpoints.
    Run(PathBuf),
}

impl From<PathBuf> for ParentRef {
    /// A folder, or a file with a checkpoint's extension, is a run; anything else refers to a
    /// model.
    fn from(path: PathBuf) -> Self {
        if path.is_dir() || path.extension().is_some_and(|extension| extension == "bin") {
            Self::Run(path)
        } else {
            Self::Model(ModelRef::from(path.as_path()))
        }
    }
}

/// Command lines are not always valid Unicode.
impl From<OsString> for ParentRef {
    fn from(text: OsString) -> Self {
        Self::from(PathBuf::from(text))
    }
}

/// Reads the parent that `from` names, and the generations before it that come with it, newest
/// first. A run of a baseline brings its own teachers, a model none.
///
/// # Errors
/// A model that is missing or damaged; a run of a network that makes model files.
pub fn read(from: &ParentRef, store: &Store) -> Result<(Generation, Vec<Generation>)> {
    match from {
        ParentRef::Run(run) => {
            let (snapshot, ancestors) = snapshot_of(run)?;
            Ok((snapshot.into(), ancestors))
        }
        ParentRef::Model(model) => Ok((store.find(model)?.load()?.into(), Vec::new())),
    }
}

/// Id of the parent that `from` names.
///
/// # Errors
/// Errors of [`read`].
pub fn id(from: &ParentRef, store: &Store) -> Result<GenerationId> {
    match from {
        ParentRef::Run(run) => Ok(snapshot_of(run)?.0.id()),
        ParentRef::Model(model) => Ok(store.find(model)?.lineage().generation_id),
    }
}

/// Makes a snapshot of a baseline's run, given its folder or a checkpoint, and reads the
/// generations before it, newest first.
///
/// # Errors
/// A checkpoint that cannot be read, or of a network that makes model files.
pub fn snapshot_of(run: &Path) -> Result<(Snapshot, Vec<Generation>)> {
    let Checkpoint { header, state } = Checkpoint::named(run)?;
    if header.spec.is_some() {
        return Err(TrainError::Config(format!(
            "{} is a run, not a model: write its model with heirloom-train export, and learn from that",
            run.display()
        )));
    }
    let (ranges, ancestors) = match &header.config.learn {
        None => (LambdaRanges::all(LambdaRange::from(header.config.lambda)), Vec::new()),
        Some(learn) => {
            let plan = LearningPlan::of_run(checkpoint::folder_of(run), &header.config)?;
            // A model that learned end to end cannot read older files.
            let before = if learn.strategy == Strategy::EndToEnd { Vec::new() } else { plan.teachers };
            (plan.ranges, before)
        }
    };
    let network = header.config.network.clone();
    let header = Header { network, ranges, steps: header.step, data_manifest: header.data_manifest };
    Ok((Snapshot::new(header, state.ema)?, ancestors))
}

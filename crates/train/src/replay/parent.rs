//! Finding the model to learn from: a model, or a run of a baseline.

use std::path::Path;

use heirloom_codec::model::{GenerationId, LambdaRange, LambdaRanges};
use heirloom_store::{ModelRef, Store, StoredModel};

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

/// Reads the parent that `from` names, and the generations before it that come with it, newest
/// first. A run of a baseline brings its own teachers, a model none.
///
/// # Errors
/// A model that is missing or damaged; a run of a network that makes model files.
pub fn read(from: &Path, store: &Store) -> Result<(Generation, Vec<Generation>)> {
    if is_run(from) {
        let (snapshot, ancestors) = snapshot_of(from)?;
        return Ok((snapshot.into(), ancestors));
    }
    Ok((stored(from, store)?.load()?.into(), Vec::new()))
}

/// Id of the parent that `from` names.
///
/// # Errors
/// Errors of [`read`].
pub fn id(from: &Path, store: &Store) -> Result<GenerationId> {
    if is_run(from) {
        return Ok(snapshot_of(from)?.0.id());
    }
    Ok(stored(from, store)?.lineage().generation_id)
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

/// Whether a path is a run or a checkpoint, not a model.
fn is_run(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|e| e == "bin")
}

/// The model that a path or another reference names.
fn stored(from: &Path, store: &Store) -> Result<StoredModel> {
    Ok(store.find(&ModelRef::from(from))?)
}

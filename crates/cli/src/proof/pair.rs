//! An old and a new model, and whether their entropy branches are the same.

use heirloom_codec::Model;
use heirloom_codec::model::{ModelError, ModelFile, Strategy};
use heirloom_store::StoredModel;

use crate::failure::Failure;

/// An old and a new model.
pub struct Pair {
    pub old: Model,
    pub old_name: String,
    pub new: Model,
    pub new_name: String,
    /// How the new model's entropy branch differs from the old one's, in a sentence; `None` if it
    /// is identical.
    pub broken: Option<String>,
}

impl Pair {
    /// Reads both models and compares their entropy branches. The entropy id of the new one may
    /// contradict its weights: `broken` then says what was altered.
    ///
    /// # Errors
    /// Files that are not valid models in any other respect.
    pub fn load(old: &StoredModel, new: &StoredModel) -> Result<Self, Failure> {
        let (old_file, new_file) = (old.load()?, read_without_ids(new)?);
        let broken = broken(&old_file, &new_file).map_err(|e| Failure::from(e).about(new.name()))?;
        let ready =
            |file: ModelFile, model: &StoredModel| Model::new(file).map_err(|e| Failure::from(e).about(model.name()));
        Ok(Self {
            old: ready(old_file, old)?,
            old_name: old.name(),
            new: ready(new_file, new)?,
            new_name: new.name(),
            broken,
        })
    }
}

fn read_without_ids(model: &StoredModel) -> Result<ModelFile, Failure> {
    ModelFile::from_bytes_without_ids(&model.read()?).map_err(|e| Failure::from(e).about(model.name()))
}

fn broken(old: &ModelFile, new: &ModelFile) -> Result<Option<String>, ModelError> {
    let Some(difference) = old.entropy_difference(new) else {
        return new.check_ids().map(|()| None);
    };
    let (mine, its) = (&old.metadata.lineage, &new.metadata.lineage);
    if mine.entropy_ids().eq(its.entropy_ids().take(1 + mine.add_ons.len())) {
        return Ok(Some(format!(
            "the new model claims the old one's entropy id, but its entropy branch was altered: {difference}"
        )));
    }
    new.check_ids()?;
    if mine.entropy_id == its.entropy_id {
        return Ok(Some(format!("the new model does not keep the old one's add-ons: {difference}")));
    }
    let provenance = &new.metadata.provenance;
    let learned_here = provenance.learned_from() == Some(mine.generation_id);
    let end_to_end = provenance.strategy() == Some(Strategy::EndToEnd);
    let what = if learned_here || end_to_end {
        "the new model learned end to end, its entropy branch included, which makes it another lineage"
    } else {
        "the new model is of another lineage"
    };
    Ok(Some(format!("{what}: its entropy id is {} instead of {}; {difference}", its.entropy_id, mine.entropy_id)))
}

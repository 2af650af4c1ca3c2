//! Two models, the older and the newer, and what is wrong between them before any file is written.

use heirloom_codec::Model;
use heirloom_codec::model::{ModelError, ModelFile, Strategy};
use heirloom_store::Member;

use crate::failure::Failure;
use crate::models::refusal;

/// Two models, ready to work.
pub struct Pair {
    pub old: Model,
    pub old_name: String,
    pub new: Model,
    pub new_name: String,
    /// What is wrong with the new model's entropy branch, in a sentence; none if it is the old one's to the bit.
    pub broken: Option<String>,
}

impl Pair {
    /// Reads both models, the old one with all checks. The new one's entropy id need not be that of its weights: then this tells
    /// what was altered.
    ///
    /// Refused are files that are no models, and a new one that was altered in other weights than those of the entropy branch.
    pub fn load(old: &Member, new: &Member) -> Result<Self, Failure> {
        let (old_file, new_file) = (old.load()?, altered(new)?);
        let broken = broken(&old_file, &new_file).map_err(|e| refusal(&e).about(new.name()))?;
        let ready = |file: ModelFile, member: &Member| Model::new(file).map_err(|e| refusal(&e).about(member.name()));
        Ok(Self {
            old: ready(old_file, old)?,
            old_name: old.name(),
            new: ready(new_file, new)?,
            new_name: new.name(),
            broken,
        })
    }
}

fn altered(member: &Member) -> Result<ModelFile, Failure> {
    ModelFile::from_bytes_without_ids(&member.read()?).map_err(|e| refusal(&e).about(member.name()))
}

fn broken(old: &ModelFile, new: &ModelFile) -> Result<Option<String>, ModelError> {
    let Some(difference) = old.entropy_difference(new) else {
        return new.check_ids().map(|()| None);
    };
    let (mine, its) = (&old.metadata.lineage, &new.metadata.lineage);
    if mine.entropy_id == its.entropy_id {
        return Ok(Some(format!(
            "the new model claims the old one's entropy id, but its entropy branch was altered: {difference}"
        )));
    }
    new.check_ids()?;
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

//! Adding a model to the store.

use std::fs;
use std::path::{Path, PathBuf};

use heirloom_codec::model::{Lineage, ModelFile};
use heirloom_io::atomic::{self, Existing};
use heirloom_store::{Store, StoredModel, VARIABLE, file_name};

use crate::failure::Failure;

/// Adds a model to the store under a name made of its ids, after checking every weight and both
/// ids. The file is written whole or not at all.
///
/// # Errors
/// Without `force`, a model that is in the store already, and another model of the same lineage and
/// number. Always, a lineage that files could not tell from another one here.
pub fn add(store: &Store, bytes: &[u8], force: bool) -> Result<PathBuf, Failure> {
    let folder = store.folder.as_deref().ok_or_else(|| {
        Failure::usage(format!("there is no folder for the model store; give --store DIR or set {VARIABLE}"))
    })?;
    let lineage = ModelFile::from_bytes(bytes)?.metadata.lineage;
    let mut replaced = None;
    for model in &store.models {
        let conflict = conflict(&lineage, model.lineage());
        if let (Conflict::SameWeights, Some(path), true) = (conflict, model.path(), force) {
            replaced = Some(path.to_owned());
        } else {
            refuse(conflict, &lineage, model, force)?;
        }
    }
    let path = path_in(folder, &lineage);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|e| Failure::failed(e.to_string()).about(parent.display()))?;
    }
    atomic::write(&path, bytes, Existing::from_force(force))?;
    if let Some(old) = replaced.filter(|old| *old != path) {
        fs::remove_file(&old).map_err(|e| Failure::failed(e.to_string()).about(old.display()))?;
    }
    Ok(path)
}

/// `ENTROPY-ID/genN-GENERATION-ID.safetensors`, with the first 16 digits of each id.
fn path_in(folder: &Path, lineage: &Lineage) -> PathBuf {
    folder.join(format!("{:.16}", lineage.entropy_id.to_string())).join(file_name(lineage))
}

/// Conflict between a new model and one that is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conflict {
    None,
    /// Both have the same weights.
    SameWeights,
    /// Both have the same lineage and number, but different weights.
    SameNumber,
    /// They belong to different lineages whose ids look the same in the headers of files.
    SamePrefix,
}

fn conflict(new: &Lineage, existing: &Lineage) -> Conflict {
    if new.entropy_id == existing.entropy_id {
        match (new.generation_id == existing.generation_id, new.generation == existing.generation) {
            (true, _) => Conflict::SameWeights,
            (false, true) => Conflict::SameNumber,
            (false, false) => Conflict::None,
        }
    } else if new.entropy_ids().any(|id| existing.entropy_ids().any(|other| id.short() == other.short())) {
        Conflict::SamePrefix
    } else {
        Conflict::None
    }
}

/// Refuses a conflict, unless `force` resolves it.
fn refuse(conflict: Conflict, new: &Lineage, existing: &StoredModel, force: bool) -> Result<(), Failure> {
    match (conflict, existing.path()) {
        (Conflict::None, _) => Ok(()),
        (Conflict::SameNumber, _) if force => Ok(()),
        (Conflict::SameWeights, None) => Err(Failure::failed("is the default model, which is in this program already")),
        (Conflict::SameWeights, Some(path)) => Err(Failure::failed(format!(
            "{} is in the store already: {}; --force replaces it",
            existing.generation(),
            path.display()
        ))),
        (Conflict::SameNumber, _) => Err(Failure::failed(format!(
            "another generation {} of its lineage is here already, {}: {}; --force keeps both, and --generation ID then \
             selects one",
            new.generation,
            existing.generation(),
            existing.name()
        ))),
        (Conflict::SamePrefix, _) => Err(Failure::unsupported(format!(
            "its entropy id {} begins like that of another lineage here, {} ({}); files could not tell them apart",
            new.entropy_id,
            existing.lineage().entropy_id,
            existing.name()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heirloom_codec::model::{EntropyId, GenerationId};

    fn lineage(entropy: [u8; 2], generation: u32, id: u8) -> Lineage {
        let mut bytes = [entropy[0]; 32];
        bytes[31] = entropy[1];
        Lineage {
            entropy_id: EntropyId(bytes),
            add_ons: Vec::new(),
            generation,
            generation_id: GenerationId([id; 32]),
            parent: (generation > 0).then_some(GenerationId([0; 32])),
        }
    }

    #[test]
    fn conflicts_are_told_apart() {
        let existing = lineage([1, 1], 1, 7);
        for (new, expected) in [
            (lineage([1, 1], 1, 7), Conflict::SameWeights),
            (lineage([1, 1], 2, 7), Conflict::SameWeights),
            (lineage([1, 1], 1, 8), Conflict::SameNumber),
            (lineage([1, 1], 2, 8), Conflict::None),
            (lineage([1, 2], 1, 8), Conflict::SamePrefix),
            (lineage([2, 1], 1, 7), Conflict::None),
            (
                Lineage { add_ons: vec![lineage([1, 1], 0, 0).entropy_id], ..lineage([2, 1], 1, 7) },
                Conflict::SamePrefix,
            ),
        ] {
            assert_eq!(conflict(&new, &existing), expected, "{new:?}");
        }
    }
}

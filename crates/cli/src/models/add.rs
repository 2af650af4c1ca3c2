//! Adding a model to the store.

use std::fs;
use std::path::{Path, PathBuf};

use heirloom_codec::model::{Lineage, ModelFile};
use heirloom_store::{Store, VARIABLE, file_name};

use super::refusal;
use crate::failure::Failure;
use crate::location::Location;

/// Adds a model, of which every weight and id is checked, under a name that follows from its ids; it is there with all its
/// bytes or not at all.
///
/// Refused without `force`: a model that is there, and another one of the same lineage and number. Refused always: a
/// lineage that files could not tell from one at hand.
pub fn add(store: &Store, bytes: &[u8], force: bool) -> Result<PathBuf, Failure> {
    let folder = store.folder.as_deref().ok_or_else(|| {
        Failure::usage(format!("there is no place for a model store; give --store DIR or set {VARIABLE}"))
    })?;
    let lineage = ModelFile::from_bytes(bytes).map_err(|e| refusal(&e))?.metadata.lineage;
    let mut replaced = None;
    for member in &store.members {
        match (conflict(&lineage, member.lineage()), member.path()) {
            (Conflict::None, _) => {}
            (Conflict::Same, None) => return Err(Failure::failed("is the model in this program")),
            (Conflict::Same, Some(path)) if force => replaced = Some(path.to_owned()),
            (Conflict::Same, Some(path)) => {
                return Err(Failure::failed(format!(
                    "{} is in the store already: {}; --force replaces it",
                    member.generation(),
                    path.display()
                )));
            }
            (Conflict::Fork, _) if force => {}
            (Conflict::Fork, _) => {
                return Err(Failure::failed(format!(
                    "another generation {} of its lineage is here already, {}: {}; --force keeps both, and --generation ID then \
                     tells them apart",
                    lineage.generation,
                    member.generation(),
                    member.name()
                )));
            }
            (Conflict::Prefix, _) => {
                return Err(Failure::unsupported(format!(
                    "its entropy id {} begins like that of another lineage here, {} ({}); files could not tell them apart",
                    lineage.entropy_id,
                    member.lineage().entropy_id,
                    member.name()
                )));
            }
        }
    }
    let path = path_in(folder, &lineage);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|e| Failure::failed(e.to_string()).about(parent.display()))?;
    }
    Location::File(path.clone()).write(bytes, force)?;
    if let Some(old) = replaced.filter(|old| *old != path) {
        fs::remove_file(&old).map_err(|e| Failure::failed(e.to_string()).about(old.display()))?;
    }
    Ok(path)
}

/// `ENTROPY-ID/genN-GENERATION-ID.safetensors`, with as much of the ids as files carry and more.
fn path_in(folder: &Path, lineage: &Lineage) -> PathBuf {
    folder.join(format!("{:.16}", lineage.entropy_id.to_string())).join(file_name(lineage))
}

/// How a model that comes stands to one that is there.
#[derive(Debug, PartialEq, Eq)]
enum Conflict {
    None,
    /// The same weights.
    Same,
    /// Same lineage, same number, other weights.
    Fork,
    /// Two lineages whose ids begin alike.
    Prefix,
}

fn conflict(new: &Lineage, there: &Lineage) -> Conflict {
    if new.entropy_id == there.entropy_id {
        match (new.generation_id == there.generation_id, new.generation == there.generation) {
            (true, _) => Conflict::Same,
            (false, true) => Conflict::Fork,
            (false, false) => Conflict::None,
        }
    } else if new.entropy_id.0[..8] == there.entropy_id.0[..8] {
        Conflict::Prefix
    } else {
        Conflict::None
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
            generation,
            generation_id: GenerationId([id; 32]),
            parent: (generation > 0).then_some(GenerationId([0; 32])),
        }
    }

    #[test]
    fn conflicts_are_told_apart() {
        let there = lineage([1, 1], 1, 7);
        for (new, expected) in [
            (lineage([1, 1], 1, 7), Conflict::Same),
            (lineage([1, 1], 2, 7), Conflict::Same),
            (lineage([1, 1], 1, 8), Conflict::Fork),
            (lineage([1, 1], 2, 8), Conflict::None),
            (lineage([1, 2], 1, 8), Conflict::Prefix),
            (lineage([2, 1], 1, 7), Conflict::None),
        ] {
            assert_eq!(conflict(&new, &there), expected, "{new:?}");
        }
    }
}

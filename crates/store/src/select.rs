//! Which model decodes a file.

use std::cmp::Reverse;
use std::{error, fmt};

use heirloom_format::container::Header;

use crate::{GenerationSelector, StoredModel};

/// Why no model decodes a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectError {
    /// There is no model of the file's lineage.
    Lineage {
        /// The first 8 bytes of the lineage's entropy id.
        entropy_id: [u8; 8],
        /// Number of the generation that wrote the file.
        generation: u32,
    },
    /// There are models of the file's lineage, but not the wanted one.
    Generation {
        /// The wanted generation, in words.
        wanted: String,
        /// The first 8 bytes of the lineage's entropy id.
        entropy_id: [u8; 8],
        /// The generations there are, in words.
        available: Vec<String>,
    },
    /// The selector fits several models.
    Ambiguous {
        /// The wanted generation, in words.
        wanted: String,
        /// Two generations that fit, in words.
        found: [String; 2],
    },
}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lineage { entropy_id, generation } => write!(
                f,
                "needs a model with the entropy id {}…, of which there is none here (generation {generation} wrote the \
                 file)",
                hex(entropy_id)
            ),
            Self::Generation { wanted, entropy_id, available } => write!(
                f,
                "{wanted} is not here; of the lineage {}… there {} {}",
                hex(entropy_id),
                if available.len() == 1 { "is" } else { "are" },
                available.join(", ")
            ),
            Self::Ambiguous { wanted, found: [one, other] } => {
                write!(f, "{wanted} is not one model but several: {one} and {other}; select one by its id")
            }
        }
    }
}

impl error::Error for SelectError {}

/// Bytes as hexadecimal digits, which is how ids are written.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The one of `models` that decodes a file with this header.
pub(crate) fn select<'a>(
    models: impl Iterator<Item = &'a StoredModel>,
    header: &Header,
    selector: &GenerationSelector,
) -> Result<&'a StoredModel, SelectError> {
    let lineage: Vec<&StoredModel> = models.filter(|model| model.lineage().reads(header)).collect();
    let Some(newest) = newest(&lineage, header) else {
        return Err(SelectError::Lineage { entropy_id: header.entropy_id, generation: header.generation });
    };
    match selector {
        GenerationSelector::Newest => Ok(newest),
        GenerationSelector::Writer => {
            let wanted =
                || format!("generation {} ({}…), which wrote it,", header.generation, hex(&header.generation_id));
            only(&lineage, header, wanted, |model| model.lineage().wrote(header))
        }
        GenerationSelector::Number(number) => only(
            &lineage,
            header,
            || format!("generation {number} of its lineage"),
            |model| model.lineage().generation == *number,
        ),
        GenerationSelector::Id(id) => only(
            &lineage,
            header,
            || format!("a generation of its lineage whose id begins with {id}"),
            |model| model.lineage().generation_id.to_string().starts_with(id),
        ),
    }
}

/// The only model that fits. The same model may be there twice, as a given file and in the store.
fn only<'a>(
    lineage: &[&'a StoredModel],
    header: &Header,
    wanted: impl Fn() -> String,
    fits: impl Fn(&StoredModel) -> bool,
) -> Result<&'a StoredModel, SelectError> {
    let mut found = lineage.iter().copied().filter(|model| fits(model));
    let first = found.next().ok_or_else(|| SelectError::Generation {
        wanted: wanted(),
        entropy_id: header.entropy_id,
        available: available(lineage),
    })?;
    match found.find(|model| model.lineage().generation_id != first.lineage().generation_id) {
        None => Ok(first),
        Some(other) => {
            Err(SelectError::Ambiguous { wanted: wanted(), found: [first.generation(), other.generation()] })
        }
    }
}

fn newest<'a>(lineage: &[&'a StoredModel], header: &Header) -> Option<&'a StoredModel> {
    lineage.iter().copied().max_by_key(|model| {
        let own = model.lineage();
        // Of several models with one number, the id decides, so that the choice is always the same.
        (descends_from_writer(model, lineage, header), own.generation, Reverse(own.generation_id))
    })
}

/// Whether a model wrote files with this header or learned, over any number of generations, from
/// the one that did, as far as the parents in `lineage` and the publication records tell.
fn descends_from_writer(model: &StoredModel, lineage: &[&StoredModel], header: &Header) -> bool {
    let mut current = model;
    // A chain of parents has no more links than there are models, unless it is a circle.
    for _ in 0..=lineage.len() {
        if current.lineage().wrote(header) {
            return true;
        }
        let metadata = current.metadata();
        let is_writer =
            |generation: u32, id: &[u8; 32]| generation == header.generation && id.starts_with(&header.generation_id);
        let mut proofs = metadata.record.iter().flat_map(|record| &record.proofs);
        if proofs.any(|proof| is_writer(proof.generation, &proof.generation_id.0)) {
            return true;
        }
        let Some(parent) = metadata.lineage.parent else { return false };
        if metadata.lineage.generation.checked_sub(1).is_some_and(|number| is_writer(number, &parent.0)) {
            return true;
        }
        let Some(next) = lineage.iter().find(|m| m.lineage().generation_id == parent) else { return false };
        current = next;
    }
    false
}

/// The generations there are, each once, in ascending order.
fn available(lineage: &[&StoredModel]) -> Vec<String> {
    let mut names: Vec<(u32, String)> =
        lineage.iter().map(|model| (model.lineage().generation, model.generation())).collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|(_, name)| name).collect()
}

//! The generations that one learned from.

use heirloom_codec::model::{GenerationId, Lineage};

use crate::StoredModel;

/// Finds the generations before one among `models`, newest first.
///
/// Also returns the id of the first generation that is missing, unless the chain goes back to
/// generation 0.
#[must_use]
pub fn ancestors<'a>(generation: &Lineage, models: &'a [StoredModel]) -> (Vec<&'a StoredModel>, Option<GenerationId>) {
    let mut found: Vec<&StoredModel> = Vec::new();
    let mut parent = generation.parent;
    while let Some(id) = parent {
        // Files that were tampered with can form a circle; it ends where it closes.
        let seen = id == generation.generation_id || found.iter().any(|model| model.lineage().generation_id == id);
        let next = models.iter().find(|model| !seen && model.lineage().generation_id == id);
        let Some(next) = next else { return (found, Some(id)) };
        found.push(next);
        parent = next.lineage().parent;
    }
    (found, None)
}

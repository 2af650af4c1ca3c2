//! The generations that one learned from.

use heirloom_codec::model::{GenerationId, Lineage};

use crate::Member;

/// The generations before one, newest first, as far as they are among `members`; and the id of the first that is not, where
/// the chain does not go back to generation 0.
#[must_use]
pub fn ancestors<'a>(of: &Lineage, members: &'a [Member]) -> (Vec<&'a Member>, Option<GenerationId>) {
    let mut found: Vec<&Member> = Vec::new();
    let mut parent = of.parent;
    while let Some(id) = parent {
        // A circle ends where it closes. Only files that lie can make one.
        let passed = id == of.generation_id || found.iter().any(|member| member.lineage().generation_id == id);
        let next = members.iter().find(|member| !passed && member.lineage().generation_id == id);
        let Some(next) = next else { return (found, Some(id)) };
        found.push(next);
        parent = next.lineage().parent;
    }
    (found, None)
}

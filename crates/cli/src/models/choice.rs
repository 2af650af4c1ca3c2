//! Which of the models at hand decodes a file.

use std::str::FromStr;

use heirloom_format::container::Header;
use heirloom_store::{LEAST_ID_DIGITS, Member, is_id};

use crate::failure::Failure;

/// The generation that a caller wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// The newest that learned from the writer, over any number of generations; where none here did, or what is here does not
    /// tell, the newest of the lineage.
    Newest,
    /// The one that wrote the file.
    Writer,
    /// By number.
    Number(u32),
    /// By the first digits of its id.
    Id(String),
}

impl FromStr for Wish {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "newest" => Ok(Self::Newest),
            "writer" => Ok(Self::Writer),
            _ if is_id(text) => Ok(Self::Id(text.to_lowercase())),
            _ => text.parse().map(Self::Number).map_err(|_| {
                format!(
                    "a generation is its number, its id ({LEAST_ID_DIGITS} or more hexadecimal digits), 'writer' or 'newest'"
                )
            }),
        }
    }
}

/// The member that decodes a file with this header.
pub fn choose<'a>(members: &'a [Member], header: &Header, wish: &Wish) -> Result<&'a Member, Failure> {
    let lineage: Vec<&Member> = members.iter().filter(|member| member.lineage().reads(header)).collect();
    if lineage.is_empty() {
        return Err(Failure::unsupported(format!(
            "needs a model of the lineage with the entropy id {}…, which is not here (generation {} wrote it); give a model file of it \
             with --model, or add one to the store with 'heirloom models add FILE'",
            hex(&header.entropy_id),
            header.generation
        )));
    }
    match wish {
        Wish::Newest => newest(&lineage, header).ok_or_else(|| Failure::failed("there is no model")),
        Wish::Writer => lineage.iter().copied().find(|member| member.lineage().wrote(header)).ok_or_else(|| {
            Failure::unsupported(format!(
                "generation {} ({}…), which wrote it, is not here; {}; give that model with --model, or add it to the store with \
                 'heirloom models add FILE'",
                header.generation,
                hex(&header.generation_id),
                here(&lineage)
            ))
        }),
        Wish::Number(number) => {
            only(&lineage, header, &format!("generation {number}"), |m| m.lineage().generation == *number)
        }
        Wish::Id(id) => only(&lineage, header, &format!("a generation whose id begins with {id}"), |m| {
            m.lineage().generation_id.to_string().starts_with(id)
        }),
    }
}

/// The one member that fits. A model may be at hand twice, by file and in the store.
fn only<'a>(
    lineage: &[&'a Member],
    header: &Header,
    what: &str,
    fits: impl Fn(&Member) -> bool,
) -> Result<&'a Member, Failure> {
    let mut found = lineage.iter().copied().filter(|member| fits(member));
    let first = found.next().ok_or_else(|| {
        Failure::unsupported(format!(
            "{what} of its lineage {}… is not here; {}",
            hex(&header.entropy_id),
            here(lineage)
        ))
    })?;
    let id = |member: &Member| member.lineage().generation_id;
    match found.find(|member| id(member) != id(first)) {
        None => Ok(first),
        Some(other) => Err(Failure::usage(format!(
            "{what} of its lineage is not one model but several: {} and {}; name one by its id",
            first.generation(),
            other.generation()
        ))),
    }
}

fn newest<'a>(lineage: &[&'a Member], header: &Header) -> Option<&'a Member> {
    lineage.iter().copied().max_by_key(|member| {
        let own = member.lineage();
        // Forks of equal number: any, but always the same.
        (descends(member, lineage, header), own.generation, std::cmp::Reverse(own.generation_id))
    })
}

/// Whether a member wrote files with this header or learned, over any number of generations, from the one that did, as far as
/// parents at hand and publication records tell.
fn descends(member: &Member, lineage: &[&Member], header: &Header) -> bool {
    let mut current = member;
    // A chain of parents has no more links than there are members, or it runs in a circle.
    for _ in 0..=lineage.len() {
        if current.lineage().wrote(header) {
            return true;
        }
        let metadata = current.metadata();
        let is_writer =
            |generation: u32, id: &[u8; 32]| generation == header.generation && id.starts_with(&header.generation_id);
        let proofs = metadata.record.iter().flat_map(|record| &record.proofs);
        if proofs.into_iter().any(|proof| is_writer(proof.generation, &proof.generation_id.0)) {
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

/// `here are generation 0 (…) and generation 1 (…)`
fn here(lineage: &[&Member]) -> String {
    let mut names: Vec<(u32, String)> =
        lineage.iter().map(|member| (member.lineage().generation, member.generation())).collect();
    names.sort();
    names.dedup();
    let names: Vec<String> = names.into_iter().map(|(_, name)| name).collect();
    format!("of its lineage there {} here: {}", if names.len() == 1 { "is" } else { "are" }, names.join(", "))
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read() {
        assert_eq!("3".parse(), Ok(Wish::Number(3)));
        assert_eq!("1234567".parse(), Ok(Wish::Number(1_234_567)));
        assert_eq!("12345678".parse(), Ok(Wish::Id("12345678".into())));
        assert_eq!("ABCDEF0123".parse(), Ok(Wish::Id("abcdef0123".into())));
        assert_eq!("writer".parse(), Ok(Wish::Writer));
        assert_eq!("newest".parse(), Ok(Wish::Newest));
        for bad in ["", "-1", "abc", "gen0", "xyzxyzxyz"] {
            assert!(bad.parse::<Wish>().unwrap_err().contains("8 or more"), "{bad}");
        }
    }
}

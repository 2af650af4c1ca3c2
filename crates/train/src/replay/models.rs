//! Finding models: the one to learn from, and the generations before it.

use std::path::{Path, PathBuf};

use heirloom_codec::model::ModelFile;
use heirloom_store::{DEFAULT, LEAST_ID_DIGITS, Member, Store, StoreError};

use crate::{Result, TrainError};

/// Reads and checks a model file.
///
/// # Errors
/// A file that cannot be read, or is no sound model, by name.
pub fn read(path: &Path) -> Result<ModelFile> {
    Ok(Member::of_file(path)?.load()?)
}

/// The model that a file, the first digits of a generation id in the store, or `default` names.
///
/// # Errors
/// A model that is not here, or is damaged.
pub fn named(what: &Path, store: &Store) -> Result<Member> {
    store.find(what).map_err(|error| match &error {
        StoreError::File { .. } if !what.exists() => TrainError::Model(format!(
            "{} is not here: give a file, '{DEFAULT}', or {LEAST_ID_DIGITS} or more digits of a generation id in the store",
            what.display()
        )),
        StoreError::Ambiguous { .. } => TrainError::Model(format!("{error}; give more digits")),
        _ => error.into(),
    })
}

/// The generations before `parent`, newest first, from the files `named` and the store.
///
/// # Errors
/// A named model that is no ancestor; a generation that is not at hand, unless `without_missing`: then it is named on stderr.
pub fn ancestors(parent: &ModelFile, named: &[PathBuf], store: Store, without_missing: bool) -> Result<Vec<ModelFile>> {
    let lineage = parent.metadata.lineage;
    let mut members = named.iter().map(|path| Ok(Member::of_file(path)?)).collect::<Result<Vec<_>>>()?;
    for member in &members {
        let own = member.lineage();
        if own.entropy_id != lineage.entropy_id || own.generation >= lineage.generation {
            return Err(TrainError::Model(format!(
                "{} of the lineage {:.16}… is no ancestor of generation {} of the lineage {:.16}…",
                member.generation(),
                own.entropy_id.to_string(),
                lineage.generation,
                lineage.entropy_id.to_string()
            )));
        }
    }
    members.extend(store.members.into_iter().filter(|member| member.lineage().entropy_id == lineage.entropy_id));
    let (mut found, missing) = heirloom_store::ancestors(&lineage, &members);
    if let Some(id) = missing {
        let number = found.last().map_or(&lineage, |oldest| oldest.lineage()).generation.saturating_sub(1);
        let what = format!("generation {number} ({id}), which wrote old files too, is not here");
        if !without_missing {
            return Err(TrainError::Model(format!(
                "{what}; give it with --ancestor FILE, add it to the store with 'heirloom models add FILE', or go on \
                 without it and what it learned from with --without-missing, which leaves their files out of replay"
            )));
        }
        eprintln!(
            "{what}: its files, and those of what it learned from, are replayed only as far as others stand for them"
        );
    }
    // Beyond a gap: what was named still tells how files of that time were coded.
    let in_chain =
        |member: &Member| found.iter().any(|own| own.lineage().generation_id == member.lineage().generation_id);
    let mut beyond: Vec<&Member> = members[..named.len()].iter().filter(|member| !in_chain(member)).collect();
    beyond.sort_by_key(|member| std::cmp::Reverse(member.lineage().generation));
    found.extend(beyond);
    found.into_iter().map(|member| Ok(member.load()?)).collect()
}

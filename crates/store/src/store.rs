//! What is at hand, and which of it a user means.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{Member, StoreError, folder};

/// Name of the model in the program, where a model is asked for.
pub const DEFAULT: &str = "default";
/// Fewest digits of a generation id that are taken for one: as many as files carry.
pub const LEAST_ID_DIGITS: usize = 8;

/// Whether a text can be the beginning of a generation id, in hexadecimal digits of either case.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (LEAST_ID_DIGITS..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The models at hand without being given as files.
#[derive(Debug)]
pub struct Store {
    /// The folder, which need not exist yet; none if there is no place for one.
    pub folder: Option<PathBuf>,
    /// The model in the program, then those of the folder, in the order of their paths.
    pub members: Vec<Member>,
    /// Files of the folder that cannot be read, which keep no other from being used.
    pub unreadable: Vec<StoreError>,
}

impl Store {
    /// Looks what is there; reads no weights. The store is in the given folder, else in that of the environment, else in the
    /// user's.
    ///
    /// # Errors
    /// A folder that cannot be read. A given one must be there; another may be made some day.
    pub fn open(given: Option<&Path>) -> Result<Self, StoreError> {
        let mut store = Self::empty(given)?;
        let Some(folder) = &store.folder else { return Ok(store) };
        // Where not even this can be told, reading the folder says why.
        if given.is_none() && !folder.try_exists().unwrap_or(true) {
            return Ok(store);
        }
        let failed = |e| StoreError::Folder { folder: folder.clone(), source: Arc::new(e) };
        for path in folder::files(folder).map_err(failed)? {
            match Member::of_file(&path) {
                Ok(member) => store.members.push(member),
                Err(error) => store.unreadable.push(error),
            }
        }
        Ok(store)
    }

    /// As [`Self::open`], where a given folder may be about to be made.
    ///
    /// # Errors
    /// A folder that is there and cannot be read.
    pub fn open_or_empty(given: Option<&Path>) -> Result<Self, StoreError> {
        if given.is_none_or(Path::exists) { Self::open(given) } else { Self::empty(given) }
    }

    fn empty(given: Option<&Path>) -> Result<Self, StoreError> {
        let folder = given.map(Path::to_owned).or_else(folder::usual);
        Ok(Self { folder, members: vec![Member::embedded()?], unreadable: Vec::new() })
    }

    /// The model that a file, the first [`LEAST_ID_DIGITS`] or more digits of a generation id, or [`DEFAULT`] names. What is
    /// there as a file is taken for one, whatever it is called.
    ///
    /// # Errors
    /// A file that is not there or is no model; an id that no model has, or several.
    pub fn find(&self, what: &Path) -> Result<Member, StoreError> {
        if what.exists() {
            return Member::of_file(what);
        }
        let text = what.to_string_lossy().to_lowercase();
        if text == DEFAULT {
            return Member::embedded();
        }
        if !is_id(&text) {
            return Member::of_file(what); // says why it cannot be read
        }
        let id = |member: &Member| member.lineage().generation_id;
        let mut found = self.members.iter().filter(|member| id(member).to_string().starts_with(&text));
        let Some(first) = found.next() else {
            return Err(StoreError::Unknown { digits: text, folder: self.folder.clone() });
        };
        // A model may be there twice, also as the one in the program.
        if let Some(other) = found.find(|member| id(member) != id(first)) {
            let ids = [id(first), id(other)];
            return Err(StoreError::Ambiguous { digits: text, ids });
        }
        first.path().map_or_else(Member::embedded, Member::of_file)
    }
}

//! The models there are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{ModelRef, StoreError, StoredModel, folder};

/// The default model and the models of a folder.
#[derive(Debug)]
pub struct Store {
    /// The folder, which may not exist yet; `None` if the environment names no place for one.
    pub folder: Option<PathBuf>,
    /// The default model, then the models of the folder in the order of their paths.
    pub models: Vec<StoredModel>,
    /// Files of the folder that are not readable as models.
    pub unreadable: Vec<StoreError>,
}

impl Store {
    /// Lists the models of `folder`, else of the folder that the environment names, else of the
    /// user's data folder. No weights are read.
    ///
    /// # Errors
    /// A folder that cannot be read. A given folder must exist; the other ones may be missing.
    pub fn open(folder: Option<&Path>) -> Result<Self, StoreError> {
        let given = folder.is_some();
        let mut store = Self::empty(folder)?;
        let Some(folder) = &store.folder else { return Ok(store) };
        // If existence cannot be determined, reading the folder gives the reason.
        if !given && !folder.try_exists().unwrap_or(true) {
            return Ok(store);
        }
        let failed = |e| StoreError::Folder { folder: folder.clone(), source: Arc::new(e) };
        for path in folder::files(folder).map_err(failed)? {
            match StoredModel::open(&path) {
                Ok(model) => store.models.push(model),
                Err(error) => store.unreadable.push(error),
            }
        }
        Ok(store)
    }

    /// Lists the models as [`Self::open`] does, but takes a given folder that is missing for an
    /// empty one, for callers that are about to create it.
    ///
    /// # Errors
    /// A folder that exists and cannot be read.
    pub fn open_or_empty(folder: Option<&Path>) -> Result<Self, StoreError> {
        if folder.is_none_or(Path::exists) { Self::open(folder) } else { Self::empty(folder) }
    }

    fn empty(folder: Option<&Path>) -> Result<Self, StoreError> {
        let folder = folder.map(Path::to_owned).or_else(folder::default);
        Ok(Self { folder, models: vec![StoredModel::embedded()?], unreadable: Vec::new() })
    }

    /// The model that a reference names.
    ///
    /// # Errors
    /// A file that is missing or is not a model; an id that belongs to no model here, or to
    /// several.
    pub fn find(&self, model: &ModelRef) -> Result<StoredModel, StoreError> {
        let digits = match model {
            ModelRef::Default => return StoredModel::embedded(),
            ModelRef::File(path) => return StoredModel::open(path),
            ModelRef::Id(digits) => digits,
        };
        let id = |model: &StoredModel| model.lineage().generation_id;
        let mut found = self.models.iter().filter(|model| id(model).to_string().starts_with(digits));
        let Some(first) = found.next() else {
            return Err(StoreError::Unknown { digits: digits.clone(), folder: self.folder.clone() });
        };
        // The same model may be there several times, also as the default model.
        if let Some(other) = found.find(|model| id(model) != id(first)) {
            return Err(StoreError::Ambiguous { digits: digits.clone(), ids: [id(first), id(other)] });
        }
        first.path().map_or_else(StoredModel::embedded, StoredModel::open)
    }
}

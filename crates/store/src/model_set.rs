//! The models that encode and decode.

use heirloom_format::container::Header;

use crate::select::select;
use crate::{GenerationSelector, ModelRef, SelectError, Store, StoreError, StoredModel};

/// The models of a store, with the one that a user has named in front.
#[derive(Debug)]
pub struct ModelSet {
    /// The named model, else the default model.
    writer: StoredModel,
    named: bool,
    others: Vec<StoredModel>,
    unreadable: Vec<StoreError>,
}

impl ModelSet {
    /// The models of a store. A `named` one encodes, and decodes the files of its lineage, unless a
    /// selector says otherwise.
    ///
    /// # Errors
    /// A named model that is not found, or is not a model.
    pub fn new(store: Store, named: Option<&ModelRef>) -> Result<Self, StoreError> {
        let writer = store.find(named.unwrap_or(&ModelRef::Default))?;
        let mut others = store.models;
        // Otherwise the network of the default model could be built twice.
        others.retain(|model| writer.path().is_some() || model.path().is_some());
        Ok(Self { writer, named: named.is_some(), others, unreadable: store.unreadable })
    }

    /// The model that encodes.
    #[must_use]
    pub fn writer(&self) -> &StoredModel {
        &self.writer
    }

    /// The model that decodes files with this header: the selected one; without a selector the
    /// named one if it is of the file's lineage, else [`GenerationSelector::Newest`].
    ///
    /// # Errors
    /// Files that no model here decodes, and selectors that fit no model, or several.
    pub fn reader(&self, header: &Header, selector: Option<&GenerationSelector>) -> Result<&StoredModel, SelectError> {
        if selector.is_none() && self.named && self.writer.lineage().reads(header) {
            return Ok(&self.writer);
        }
        let models = std::iter::once(&self.writer).chain(&self.others);
        select(models, header, selector.unwrap_or(&GenerationSelector::Newest))
    }

    /// Files of the store that are not readable as models. Where no model decodes a file, one of
    /// these may be the missing one.
    #[must_use]
    pub fn unreadable(&self) -> &[StoreError] {
        &self.unreadable
    }
}

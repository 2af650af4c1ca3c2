//! Where models are kept, and which one decodes a file.
//!
//! - [`Store::open`] lists the models there are: the default model in this program, and those of a
//!   folder with one file per generation.
//! - A [`ModelRef`] names one of them, or a model file anywhere; [`Store::find`] looks it up.
//! - A [`StoredModel`] knows what its file says about itself, and reads its weights when they are
//!   asked for.
//! - A [`ModelSet`] chooses the model that encodes, and the model that decodes a file, which a
//!   [`GenerationSelector`] may prescribe.
//!
//! No file is changed here: the command adds models to a store.
//!
//! ```
//! use heirloom_store::{ModelRef, ModelSet, Store};
//!
//! let store = Store::open(None)?;
//! let models = ModelSet::new(store, Some(&ModelRef::Default))?;
//! assert_eq!(models.writer().path(), None); // the default model has no file of its own
//! # Ok::<(), heirloom_store::StoreError>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod ancestors;
mod error;
mod folder;
mod model_ref;
mod model_set;
mod select;
mod selector;
mod store;
mod stored_model;

pub use ancestors::ancestors;
pub use error::StoreError;
pub use folder::{EXTENSION, VARIABLE, file_name};
pub use model_ref::{DEFAULT, MIN_ID_DIGITS, ModelRef};
pub use model_set::ModelSet;
pub use select::{SelectError, hex};
pub use selector::{GenerationSelector, SelectorError};
pub use store::Store;
pub use stored_model::StoredModel;

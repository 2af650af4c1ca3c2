//! The models at hand: the one in the program, and those of the store, a folder with one folder per lineage and one file per
//! generation in it (`docs/LINEAGES.md`).
//!
//! [`Store::open`] looks what is there, [`Store::find`] gives the model that a user names; a [`Member`] tells what it says about
//! itself, and reads its weights when they are asked for. Only what the command and the trainer both need is here: the codec
//! itself knows neither files nor folders, and the command adds to the store.
#![forbid(unsafe_code)]

mod ancestors;
mod error;
mod folder;
mod member;
mod store;

pub use ancestors::ancestors;
pub use error::StoreError;
pub use folder::{EXTENSION, VARIABLE, file_name};
pub use member::Member;
pub use store::{DEFAULT, LEAST_ID_DIGITS, Store, is_id};

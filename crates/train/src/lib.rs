//! Trains the Heirloom image codec.
//!
//! | module | content |
//! |---|---|
//! | [`data`] | from folders and packs of images to batches |
//! | [`model`] | the networks as training graphs: a second statement of what `heirloom_codec` runs |
//! | [`ops`] | the layers that they are made of |
//! | [`trainer`] | the loop: schedule, optimiser, checkpoints, metrics, evaluation and export |
//! | [`replay`] | learning from a model whose files must not look worse |
//! | [`mod@measure`] | measuring trained systems without writing files |
//! | [`mod@near_duplicates`] | finding test images among those to learn from |
//! | [`terminal`] | what the programs of this crate and of `heirloom-experiment` share |
//!
//! The library prints nothing. It logs progress at the level `info` and what a user should know at
//! the level `warn`, by the crate `log`.

#![forbid(unsafe_code)]

pub mod data;
pub mod error;
pub mod measure;
pub mod model;
pub mod near_duplicates;
pub mod ops;
pub mod random;
pub mod replay;
pub mod terminal;
pub mod trainer;

pub use error::{Result, TrainError};

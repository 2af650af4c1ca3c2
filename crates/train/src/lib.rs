//! Trains the Heirloom image codec.
//!
//! One folder per part: [`data`] turns a folder of images into batches, [`model`] is the network as a training graph
//! (a second statement of what `heirloom_codec` runs), [`ops`] are the layers it is made of, [`trainer`] is the loop:
//! schedule, optimiser, checkpoints, metrics, validation and export. [`replay`] is learning from a model whose files must not look worse, [`experiment`] the comparison of all
//! systems.

pub mod data;
pub mod error;
pub mod experiment;
pub mod memory;
pub mod model;
pub mod ops;
pub mod random;
pub mod replay;
pub mod trainer;

pub use error::{Result, TrainError};

//! From a folder of pictures to batches of crops.
//!
//! [`folder`] finds, checks and caches the pictures, [`sample`] cuts one augmented crop, [`loader`] prepares batches ahead of
//! the training step. Which crop stands where in which step depends on the seed and the step alone.

pub mod folder;
pub mod loader;
pub mod picture;
pub mod sample;

pub use folder::Folder;
pub use loader::{Ahead, Batch, Loader};
pub use picture::Picture;
pub use sample::Augmentation;

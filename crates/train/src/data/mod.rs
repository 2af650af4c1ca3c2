//! From a folder of images to batches of crops.
//!
//! [`folder`] finds, checks and caches the images, [`sample`] cuts one augmented crop, [`loader`] prepares batches ahead of
//! the training step. Which crop stands where in which step depends on the seed and the step alone.

pub mod folder;
pub mod image;
pub mod loader;
pub mod sample;

pub use folder::Folder;
pub use image::RgbImage;
pub use loader::{Ahead, Batch, Loader};
pub use sample::Augmentation;

//! From images to batches of crops.
//!
//! [`images::Images`] opens a [`folder`] or a [`pack`], [`crop`] cuts one augmented crop,
//! [`sampler`] draws the batch of a step, and [`loader`] prepares batches ahead of the steps by
//! means of a [`prefetcher`]. Which crops a step gets depends on the seed and the step alone.

pub mod crop;
pub mod folder;
pub mod image;
pub mod images;
pub mod loader;
pub mod pack;
pub mod pack_writer;
pub mod prefetcher;
pub mod sampler;

pub use crop::Augmentation;
pub use folder::Folder;
pub use image::RgbImage;
pub use images::Images;
pub use loader::Loader;
pub use sampler::{Batch, BatchSampler};

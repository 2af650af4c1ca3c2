//! Images in memory, and their conversion to the network's values and back.

mod buffer;
pub(crate) mod convert;
#[cfg(feature = "image")]
mod dynamic;

pub use buffer::{Image, ImageError};

pub use heirloom_format::container::{Metadata, PixelFormat};

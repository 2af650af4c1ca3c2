//! Pixel buffers, and their way into and out of the network.

mod buffer;
mod convert;
#[cfg(feature = "image")]
mod dynamic;

pub use buffer::{Image, ImageError};
pub use convert::{from_network, to_network};

pub use heirloom_format::container::{Metadata, PixelFormat};

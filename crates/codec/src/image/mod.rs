//! Images in memory, and their conversion to the network's values and back.

mod buffer;
pub(crate) mod convert;
#[cfg(feature = "image")]
mod dynamic;

pub(crate) use self::convert::{from_network, to_network};
pub use buffer::{Image, ImageError};

pub use heirloom_format::container::{Metadata, PixelFormat};

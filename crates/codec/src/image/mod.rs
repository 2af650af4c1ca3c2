//! Images in memory, and their conversion to the network's values and back.

mod alpha;
mod buffer;
pub(crate) mod convert;
#[cfg(feature = "image")]
mod dynamic;
mod hidden_colour;
mod samples;

pub use buffer::{Image, ImageError};
pub use samples::Samples;

pub use heirloom_format::container::{Cicp, Metadata, PixelFormat, Resolution};

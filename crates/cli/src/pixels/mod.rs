//! Images in other formats: what is read into the codec and what is written from it.

mod read;
mod write;

use std::borrow::Cow;

use heirloom_codec::image::{Image, PixelFormat};

pub use read::read;
pub use write::{Format, write};

/// The prefix that some formats put before Exif; it is no part of it.
const EXIF_PREFIX: &[u8] = b"Exif\0\0";
/// Keyword of the iTXt chunk that holds XMP in a PNG file.
const PNG_XMP: &str = "XML:com.adobe.xmp";

/// The samples as interleaved RGB, whatever the image's own format.
pub fn rgb(image: &Image) -> Cow<'_, [u8]> {
    match image.format() {
        PixelFormat::Grey8 => image.data().iter().flat_map(|&v| [v; 3]).collect(),
        _ => image.data().into(),
    }
}

//! Reading images: one file per format.
//!
//! The library `image` reads most of these, but drops what makes a file more than its first pixels
//! (metadata behind the pixels of a PNG, the orientation and further pages of a TIFF), and brings a
//! JPEG reader that gets sound files wrong. So its parts are called one by one here.

pub(crate) mod finish;
mod jpeg;
mod jxl;
mod options;
pub(crate) mod png;
pub(crate) mod pnm;
pub(crate) mod reading;
pub(crate) mod refusals;
mod simple;
mod sniff;
mod tiff;
mod webp;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use heirloom_codec::image::Image;

pub(crate) use self::reading::Reading;
pub(crate) use self::sniff::{Kind, kind};
use crate::ReadError;
pub use options::{Alpha, Depth, ReadOptions, Strip};

/// An image, and what of its file is not in it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadImage {
    /// The image.
    pub image: Image,
    /// What was left out or changed, to stand behind the name of the file ("its comment was left
    /// out"). Empty if everything is kept to the bit.
    pub notes: Vec<String>,
}

/// Reads an image from the bytes of a file. The format is recognised by the content, not by a name.
///
/// Grey and RGB of 8 and 16 bits, with and without alpha, are read exactly; fewer bits and palettes
/// are expanded, CMYK becomes sRGB. A wholly opaque alpha channel is dropped. What a file holds
/// beside that is left out without a word: [`read_noting`] says what.
///
/// # Errors
/// Any [`ReadError`] but [`ReadError::Io`]. A panic of a format's library becomes
/// [`ReadError::Internal`].
pub fn read(bytes: &[u8], options: &ReadOptions) -> Result<Image, ReadError> {
    read_noting(bytes, options).map(|read| read.image)
}

/// Reads an image as [`read`] does, and says what of the file was left out or changed.
///
/// # Errors
/// As [`read`].
pub fn read_noting(bytes: &[u8], options: &ReadOptions) -> Result<ReadImage, ReadError> {
    let reader: fn(&[u8], &mut Reading<'_>) -> Result<Image, ReadError> = match kind(bytes) {
        _ if bytes.is_empty() => return Err(ReadError::Damaged("is empty".into())),
        None => return Err(ReadError::Unsupported(sniff::other(bytes).into())),
        Some(Kind::Png) => png::read,
        Some(Kind::Jpeg) => jpeg::read,
        Some(Kind::WebP) => webp::read,
        Some(Kind::Tiff) => tiff::read,
        Some(Kind::Gif) => simple::gif,
        Some(Kind::Bmp) => simple::bmp,
        Some(Kind::Qoi) => simple::qoi,
        Some(Kind::Tga) => simple::tga,
        Some(Kind::Pnm) => pnm::read,
        Some(Kind::JpegXl) => jxl::read,
    };
    catching_panics(|| {
        let mut reading = Reading::new(options);
        let image = reader(bytes, &mut reading)?;
        finish::finish(image, reading)
    })
}

/// Reads an image from a file, as [`read`] does.
///
/// # Errors
/// Any [`ReadError`].
pub fn read_file(path: &Path, options: &ReadOptions) -> Result<Image, ReadError> {
    read(&std::fs::read(path).map_err(ReadError::Io)?, options)
}

/// Turns a panic into [`ReadError::Internal`]: the libraries work on bytes that anybody may have
/// written.
pub(crate) fn catching_panics<T>(read: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    // Nothing survives a panic but the bytes, which no reader changes.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|payload| Err(ReadError::Internal(message(&*payload))))
}

fn message(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).into(),
        (_, Some(text)) => text.clone(),
        _ => "without a message".into(),
    }
}

#[cfg(test)]
mod tests;

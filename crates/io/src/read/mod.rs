//! Reading PNG, JPEG, WebP, TIFF, BMP and PNM: one file per format.
//!
//! The library `image` reads all of these, but drops what makes a file more than its first pixels
//! (metadata behind the pixels of a PNG, the orientation and further pages of a TIFF), and brings a
//! colour management that nothing here calls.

mod bmp;
mod frame;
mod jpeg;
mod options;
mod png;
mod pnm;
mod refusals;
mod tiff;
mod webp;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use heirloom_codec::image::Image;

use crate::ReadError;
pub use options::{Alpha, Depth, ReadOptions};

/// Reads an image from the bytes of a file. The format is recognised by the content, not by a name.
///
/// 8-bit RGB and grey are read exactly. Alpha and other depths are refused or reduced as `options`
/// say. CMYK, floating-point samples, animations and files of several images are refused; the error
/// says how to convert them.
///
/// # Errors
/// Any [`ReadError`] but [`ReadError::Io`]. A panic of a format's library becomes
/// [`ReadError::Internal`].
pub fn read(bytes: &[u8], options: &ReadOptions) -> Result<Image, ReadError> {
    let reader: fn(&[u8], &ReadOptions) -> Result<Image, ReadError> = match bytes {
        [] => return Err(ReadError::Damaged("is empty".into())),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => png::read,
        [0xff, 0xd8, 0xff, ..] => jpeg::read,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp::read,
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => tiff::read,
        [b'B', b'M', ..] => bmp::read,
        [b'P', b'1'..=b'7', ..] => pnm::read,
        [0x89, b'H', ..] => {
            return Err(ReadError::Unsupported(
                "is a Heirloom file, not an image to encode; `heirloom decode` reads it".into(),
            ));
        }
        _ => {
            return Err(ReadError::Unsupported(
                "is not a PNG, JPEG, WebP, TIFF, BMP or PNM image; convert it first, for example `magick IN OUT.png`"
                    .into(),
            ));
        }
    };
    catching_panics(|| reader(bytes, options))
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
fn catching_panics<T>(read: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
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

//! Reading PNG, JPEG, WebP, TIFF and PNM: a file per format, each with the library of that format.
//!
//! The library `image` would read them all, but brings a colour management and conversions to build that nothing here calls, and
//! leaves out what makes a file more than its first pixels: metadata after those of a PNG, the turn and the other pages of a TIFF.

mod jpeg;
mod png;
mod pnm;
mod tiff;
mod webp;

use heirloom_codec::image::{Image, Metadata, PixelFormat};

use super::EXIF_PREFIX;
use crate::failure::Failure;

/// Most memory that reading one image may take, in bytes.
const MOST_MEMORY: usize = 2 << 30;

/// Reads an image from the bytes of a file; the format is told by the content, not by the name.
///
/// 8-bit RGB and grey are read as they are. Whatever would have to be changed to fit is refused with a word on how to
/// convert it: alpha, 16 bits and floats, CMYK, animations and files of several images.
pub fn read(bytes: &[u8]) -> Result<Image, Failure> {
    match bytes {
        [] => Err(Failure::damaged("the file is empty")),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => png::read(bytes),
        [0xff, 0xd8, 0xff, ..] => jpeg::read(bytes),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp::read(bytes),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => tiff::read(bytes),
        [b'P', b'1'..=b'7', ..] => pnm::read(bytes),
        [0x89, b'H', ..] => {
            Err(Failure::unsupported("is a Heirloom file, not an image to encode; `heirloom decode` reads it"))
        }
        _ => Err(Failure::unsupported("is not a PNG, JPEG, WebP, TIFF or PNM image")),
    }
}

/// What of its pixels a file says before they are read.
struct Frame {
    width: u32,
    height: u32,
    format: PixelFormat,
}

impl Frame {
    /// A frame of grey or RGB samples.
    ///
    /// # Errors
    /// Alpha, and more than 8 bits per sample.
    fn new((width, height): (u32, u32), grey: bool, alpha: bool, bits: u8) -> Result<Self, Failure> {
        let (what, how) = match (alpha, bits > 8) {
            (true, true) => (
                "an alpha channel and more than 8 bits per sample",
                "-background white -alpha remove -alpha off -depth 8",
            ),
            (true, false) => ("an alpha channel", "-background white -alpha remove -alpha off"),
            (false, true) => ("more than 8 bits per sample", "-depth 8"),
            (false, false) => {
                let format = if grey { PixelFormat::Grey8 } else { PixelFormat::Rgb8 };
                return Ok(Self { width, height, format });
            }
        };
        Err(Failure::unsupported(format!(
            "has {what}, which this version does not code; convert it first, for example `magick IN {how} OUT.png`"
        )))
    }

    /// Samples per pixel.
    fn channels(&self) -> usize {
        if self.format == PixelFormat::Grey8 { 1 } else { 3 }
    }

    /// Room for all samples.
    ///
    /// # Errors
    /// Images that take more than [`MOST_MEMORY`], or more than there is.
    fn room(&self) -> Result<Vec<u8>, Failure> {
        let Self { width, height, .. } = *self;
        let pixels = (width as usize).checked_mul(height as usize);
        let length = pixels.and_then(|pixels| pixels.checked_mul(self.channels()));
        let Some(length) = length.filter(|length| *length <= MOST_MEMORY) else {
            return Err(Failure::unsupported(format!("is too large to read: {width} × {height} pixels")));
        };
        let mut samples = Vec::new();
        samples.try_reserve_exact(length).map_err(|_| Failure::failed("there is not enough memory to read it"))?;
        samples.resize(length, 0);
        Ok(samples)
    }

    /// The image of these samples.
    fn image(self, samples: Vec<u8>, metadata: Metadata) -> Result<Image, Failure> {
        let mut image = Image::new(self.width, self.height, self.format, samples)
            .map_err(|error| Failure::damaged(error.to_string()))?;
        let kept = |blob: Option<Vec<u8>>| blob.filter(|blob| !blob.is_empty());
        let bare = |blob: Vec<u8>| blob.strip_prefix(EXIF_PREFIX).map(<[u8]>::to_vec).unwrap_or(blob);
        image.metadata =
            Metadata { icc: kept(metadata.icc), exif: kept(metadata.exif).map(bare), xmp: kept(metadata.xmp) };
        Ok(image)
    }
}

fn animation() -> Failure {
    Failure::unsupported("is an animation; extract a frame first, for example `magick 'IN[0]' OUT.png`")
}

fn cmyk() -> Failure {
    Failure::unsupported(
        "has four colour components (CMYK); convert it first, for example `magick IN -colorspace sRGB OUT.png`",
    )
}

fn cut() -> Failure {
    Failure::damaged("the image file is cut short")
}

/// A failure while reading from memory: the file has ended.
fn ended(error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::UnexpectedEof { cut() } else { Failure::damaged(error.to_string()) }
}

#[cfg(test)]
mod tests;

//! Images in memory.

use std::borrow::Cow;
use std::fmt;

use super::{Metadata, PixelFormat};

/// An 8-bit image with its metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    width: u32,
    height: u32,
    format: PixelFormat,
    data: Vec<u8>,
    /// ICC profile, Exif and XMP, carried verbatim. They do not affect how pixels are coded.
    pub metadata: Metadata,
}

/// Pixels that do not make an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageError {
    /// Width or height is zero.
    Empty {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The buffer's length is not width × height × channels.
    Length {
        /// Length of the buffer in bytes.
        found: usize,
        /// Length by size and format, in bytes.
        expected: u64,
    },
    /// Pixels of a kind that cannot be encoded.
    Unsupported {
        /// Kind of the pixels.
        found: &'static str,
    },
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { width, height } => {
                write!(f, "the image has {width} × {height} pixels; both sides must be at least 1")
            }
            Self::Length { found, expected } => {
                write!(f, "the pixel buffer has {found} bytes, but its size and format require {expected}")
            }
            Self::Unsupported { found } => {
                write!(f, "the image has {found}; only 8-bit RGB and grey can be encoded, so convert the image first")
            }
        }
    }
}

impl std::error::Error for ImageError {}

impl Image {
    /// Makes an image without metadata. `data` has rows from top to bottom without gaps, and
    /// interleaved channels.
    ///
    /// # Errors
    /// A side of zero, or a buffer whose length is not width × height × channels.
    pub fn new(width: u32, height: u32, format: PixelFormat, data: Vec<u8>) -> Result<Self, ImageError> {
        if width == 0 || height == 0 {
            return Err(ImageError::Empty { width, height });
        }
        let pixels = u64::from(width) * u64::from(height);
        let expected = pixels.saturating_mul(format.channels() as u64);
        if data.len() as u64 != expected {
            return Err(ImageError::Length { found: data.len(), expected });
        }
        Ok(Self { width, height, format, data, metadata: Metadata::default() })
    }

    /// Width in pixels, at least 1.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Pixel format.
    #[must_use]
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// The pixels: rows from top to bottom, channels interleaved.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The samples as interleaved RGB, three bytes per pixel; grey is repeated three times.
    #[must_use]
    pub fn to_rgb(&self) -> Cow<'_, [u8]> {
        match self.format {
            PixelFormat::Grey8 => self.data.iter().flat_map(|&v| [v; 3]).collect(),
            PixelFormat::Rgb8 => Cow::Borrowed(&self.data),
        }
    }

    /// Returns the pixel buffer.
    #[must_use]
    pub fn into_data(self) -> Vec<u8> {
        self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_buffers_are_refused() {
        assert!(Image::new(2, 1, PixelFormat::Rgb8, vec![0; 6]).is_ok());
        assert!(Image::new(2, 1, PixelFormat::Grey8, vec![0; 2]).is_ok());
        let error = Image::new(2, 1, PixelFormat::Rgb8, vec![0; 5]);
        assert_eq!(error, Err(ImageError::Length { found: 5, expected: 6 }));
        assert_eq!(Image::new(0, 1, PixelFormat::Rgb8, vec![]), Err(ImageError::Empty { width: 0, height: 1 }));
        assert!(Image::new(u32::MAX, u32::MAX, PixelFormat::Rgb8, vec![]).is_err());
    }
}

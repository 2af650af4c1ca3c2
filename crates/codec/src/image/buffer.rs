//! Images in memory.

use std::borrow::Cow;
use std::fmt;

use super::samples::to_8_bits;
use super::{Metadata, PixelFormat, Samples};

/// An image with its metadata: grey or RGB, with or without alpha, of 8 or 16 bits per sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    width: u32,
    height: u32,
    format: PixelFormat,
    samples: Samples,
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
    /// The number of samples is not width × height × channels.
    Length {
        /// Number of samples given.
        found: usize,
        /// Number of samples by size and format.
        expected: u64,
    },
    /// The samples do not have the bits of the pixel format.
    Depth {
        /// Bits of the samples given.
        found: u32,
        /// Bits by the format.
        expected: u32,
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
                write!(f, "the image has {found} samples, but its size and format require {expected}")
            }
            Self::Depth { found, expected } => {
                write!(f, "the image has samples of {found} bits, but its format requires {expected}")
            }
            Self::Unsupported { found } => {
                write!(f, "the image has {found}, which cannot be encoded; convert the image first")
            }
        }
    }
}

impl std::error::Error for ImageError {}

impl Image {
    /// Makes an image of 8 bits per sample, without metadata. `data` has rows from top to bottom
    /// without gaps, and interleaved channels.
    ///
    /// # Errors
    /// A side of zero, a number of samples other than width × height × channels, or a format of 16
    /// bits.
    pub fn new(width: u32, height: u32, format: PixelFormat, data: Vec<u8>) -> Result<Self, ImageError> {
        Self::from_samples(width, height, format, Samples::U8(data))
    }

    /// Makes an image of 16 bits per sample, as [`Image::new`] does of 8.
    ///
    /// # Errors
    /// Fails as [`Image::new`] does, and for a format of 8 bits.
    pub fn new16(width: u32, height: u32, format: PixelFormat, data: Vec<u16>) -> Result<Self, ImageError> {
        Self::from_samples(width, height, format, Samples::U16(data))
    }

    /// Makes an image without metadata of 8 or 16 bits per sample.
    ///
    /// # Errors
    /// A side of zero, a number of samples other than width × height × channels, or samples of
    /// other bits than the format's.
    pub fn from_samples(width: u32, height: u32, format: PixelFormat, samples: Samples) -> Result<Self, ImageError> {
        if width == 0 || height == 0 {
            return Err(ImageError::Empty { width, height });
        }
        if samples.bits() != format.bits() {
            return Err(ImageError::Depth { found: samples.bits(), expected: format.bits() });
        }
        let pixels = u64::from(width) * u64::from(height);
        let expected = pixels.saturating_mul(format.channels() as u64);
        if samples.len() as u64 != expected {
            return Err(ImageError::Length { found: samples.len(), expected });
        }
        Ok(Self { width, height, format, samples, metadata: Metadata::default() })
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

    /// The samples: rows from top to bottom, channels interleaved.
    #[must_use]
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// The samples, to be changed in place.
    pub(super) fn samples_mut(&mut self) -> &mut Samples {
        &mut self.samples
    }

    /// The memory of the samples: one byte each, or two in the byte order of this machine if they
    /// have 16 bits.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.samples.as_bytes()
    }

    /// The colour as interleaved 8-bit RGB, three bytes per pixel: grey is repeated three times,
    /// alpha left out, 16 bits are rounded to 8.
    #[must_use]
    pub fn to_rgb(&self) -> Cow<'_, [u8]> {
        match (&self.samples, self.format) {
            (Samples::U8(data), PixelFormat::Rgb8) => Cow::Borrowed(data),
            (Samples::U8(data), format) => Cow::Owned(rgb(data, format, |v| v)),
            (Samples::U16(data), format) => Cow::Owned(rgb(data, format, to_8_bits)),
        }
    }

    /// The same image with other samples, which fit `format`.
    pub(super) fn replaced(self, format: PixelFormat, samples: Samples) -> Self {
        Self { format, samples, ..self }
    }

    /// An image of the same size without metadata, of samples that fit `format`.
    pub(super) fn bare(&self, format: PixelFormat, samples: Samples) -> Self {
        Self { width: self.width, height: self.height, format, samples, metadata: Metadata::default() }
    }

    /// The samples without their image.
    #[must_use]
    pub fn into_samples(self) -> Samples {
        self.samples
    }
}

fn rgb<T: Copy>(data: &[T], format: PixelFormat, to_byte: impl Fn(T) -> u8) -> Vec<u8> {
    let pixels = data.chunks_exact(format.channels());
    if format.is_grey() {
        pixels.flat_map(|pixel| [to_byte(pixel[0]); 3]).collect()
    } else {
        pixels.flat_map(|pixel| [to_byte(pixel[0]), to_byte(pixel[1]), to_byte(pixel[2])]).collect()
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
        assert!(Image::new(1, 1, PixelFormat::GreyAlpha8, vec![0; 2]).is_ok());
        assert!(Image::new16(1, 1, PixelFormat::Rgba16, vec![0; 4]).is_ok());
        let error = Image::new(1, 1, PixelFormat::Grey16, vec![0; 2]);
        assert_eq!(error, Err(ImageError::Depth { found: 8, expected: 16 }));
    }

    #[test]
    fn every_format_has_an_8_bit_rgb_view() {
        for format in PixelFormat::ALL {
            let (r, g, b) = if format.is_grey() { (10, 10, 10) } else { (10, 20, 30) };
            let pixel = [10, 20, 30, 200];
            let colours = format.colour_channels();
            let pixel: Vec<u8> =
                pixel[..colours].iter().chain(&pixel[3..][..format.channels() - colours]).copied().collect();
            let pixels = pixel.repeat(6);
            let image = match format.bits() {
                8 => Image::new(3, 2, format, pixels).unwrap(),
                _ => Image::new16(3, 2, format, pixels.iter().map(|&v| u16::from(v) * 257).collect()).unwrap(),
            };
            assert_eq!(*image.to_rgb(), [r, g, b].repeat(6), "{format:?}");
        }
    }
}

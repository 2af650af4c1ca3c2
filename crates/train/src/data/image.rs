//! Decoded images.

use std::path::Path;

use heirloom_io::ReadOptions;

/// An image of 8-bit RGB, row by row, three bytes per pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RgbImage {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<u8>,
}

impl RgbImage {
    /// Decodes the bytes of a file. Alpha is dropped, grey becomes RGB, and deeper samples become 8
    /// bits.
    ///
    /// # Errors
    /// The reader's reason.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let image = heirloom_io::read(bytes, &ReadOptions::reduce()).map_err(|e| e.to_string())?;
        let (width, height) = (image.width() as usize, image.height() as usize);
        let rgb = image.to_rgb().into_owned();
        Ok(Self { width, height, rgb })
    }

    /// Reads and decodes a file.
    ///
    /// # Errors
    /// The system's or the reader's reason.
    pub fn open(path: &Path) -> Result<Self, String> {
        Self::decode(&std::fs::read(path).map_err(|e| e.to_string())?)
    }

    /// The image on a canvas whose sides are multiples of `multiple`, padded to the right and below
    /// by repeating the edge: values in [-1, 1], height, width.
    #[must_use]
    pub fn padded(&self, multiple: usize) -> (Vec<f32>, usize, usize) {
        let (height, width) = (self.height.next_multiple_of(multiple), self.width.next_multiple_of(multiple));
        let mut out = Vec::with_capacity(height * width * 3);
        for y in 0..height {
            let row = y.min(self.height - 1) * self.width;
            for x in 0..width {
                let at = (row + x.min(self.width - 1)) * 3;
                out.extend(self.rgb[at..at + 3].iter().map(|v| to_unit(*v)));
            }
        }
        (out, height, width)
    }

    /// The middle `size` by `size` pixels, or fewer where the image is smaller.
    #[must_use]
    pub fn centre(&self, size: usize) -> Self {
        let (width, height) = (self.width.min(size), self.height.min(size));
        let (left, top) = ((self.width - width) / 2, (self.height - height) / 2);
        let rgb = (top..top + height)
            .flat_map(|y| self.rgb[(y * self.width + left) * 3..][..width * 3].iter().copied())
            .collect();
        Self { width, height, rgb }
    }
}

/// Maps 0..=255 to [-1, 1].
#[inline]
pub fn to_unit(value: u8) -> f32 {
    f32::from(value) * (2.0 / 255.0) - 1.0
}

/// Maps [-1, 1] to 0..=255, rounded and clamped.
#[inline]
pub fn to_byte(value: f32) -> u8 {
    ((value + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8
}

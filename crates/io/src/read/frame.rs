//! The image as it is stored in a file, and as the codec takes it.

use heirloom_codec::image::{Image, Metadata, PixelFormat};

use super::options::{Alpha, Depth, ReadOptions};
use crate::ReadError;
use crate::metadata::EXIF_PREFIX;

/// Most memory that reading one image may take, in bytes.
pub(super) const MAX_BYTES: usize = 2 << 30;

/// Size and stored samples of an image, known before its samples are read.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) width: u32,
    pub(super) height: u32,
    format: PixelFormat,
    /// Whether an alpha sample follows the colour of every pixel; it is dropped.
    alpha: bool,
    /// Whether samples take two bytes, the high one first; they are reduced to one.
    deep: bool,
}

impl Frame {
    /// A frame of grey or RGB samples, with or without alpha, of `bits` bits as stored (at most 8
    /// are stored in one byte, more in two).
    ///
    /// # Errors
    /// Alpha, and more than 8 bits per sample, unless the options allow them.
    pub(super) fn new(
        (width, height): (u32, u32),
        grey: bool,
        alpha: bool,
        bits: u8,
        options: &ReadOptions,
    ) -> Result<Self, ReadError> {
        let deep = bits > 8;
        let (what, how) = match (alpha && options.alpha == Alpha::Refuse, deep && options.depth == Depth::Refuse) {
            (true, true) => (
                "an alpha channel and more than 8 bits per sample",
                "-background white -alpha remove -alpha off -depth 8",
            ),
            (true, false) => ("an alpha channel", "-background white -alpha remove -alpha off"),
            (false, true) => ("more than 8 bits per sample", "-depth 8"),
            (false, false) => {
                let format = if grey { PixelFormat::Grey8 } else { PixelFormat::Rgb8 };
                return Ok(Self { width, height, format, alpha, deep });
            }
        };
        Err(ReadError::Unsupported(format!(
            "has {what}, which this version does not code; convert it first, for example `magick IN {how} OUT.png`"
        )))
    }

    /// The same frame for samples that the caller has reduced to one byte each.
    pub(super) fn reduced(self) -> Self {
        Self { deep: false, ..self }
    }

    /// Samples per pixel as stored.
    pub(super) fn channels(&self) -> usize {
        self.format.channels() + usize::from(self.alpha)
    }

    /// Number of all samples as stored.
    ///
    /// # Errors
    /// Images that take more than [`MAX_BYTES`].
    pub(super) fn samples(&self) -> Result<usize, ReadError> {
        let Self { width, height, .. } = *self;
        let pixels = (width as usize).checked_mul(height as usize);
        let samples = pixels.and_then(|pixels| pixels.checked_mul(self.channels()));
        samples
            .filter(|samples| samples.checked_mul(1 + usize::from(self.deep)).is_some_and(|bytes| bytes <= MAX_BYTES))
            .ok_or_else(|| ReadError::Unsupported(format!("is too large to read: {width} × {height} pixels")))
    }

    /// A buffer of zeros for all samples as stored.
    ///
    /// # Errors
    /// Fails as [`Frame::samples`] does, or if there is not enough memory.
    pub(super) fn buffer(&self) -> Result<Vec<u8>, ReadError> {
        let length = self.samples()? * (1 + usize::from(self.deep));
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(length).map_err(|_| ReadError::Memory)?;
        buffer.resize(length, 0);
        Ok(buffer)
    }

    /// The image of the stored samples: alpha is dropped, two bytes become one.
    pub(super) fn image(&self, mut samples: Vec<u8>, metadata: Metadata) -> Result<Image, ReadError> {
        if self.deep {
            reduce_in_place(&mut samples);
        }
        if self.alpha {
            drop_last_channel(&mut samples, self.channels());
        }
        let mut image = Image::new(self.width, self.height, self.format, samples)
            .map_err(|error| ReadError::Damaged(error.to_string()))?;
        let kept = |blob: Option<Vec<u8>>| blob.filter(|blob| !blob.is_empty());
        let bare = |blob: Vec<u8>| blob.strip_prefix(EXIF_PREFIX).map(<[u8]>::to_vec).unwrap_or(blob);
        image.metadata = Metadata {
            icc: kept(metadata.icc),
            exif: kept(metadata.exif).map(bare),
            xmp: kept(metadata.xmp),
            ..Metadata::default()
        };
        Ok(image)
    }
}

/// Scales a sample from 0..=`max` to 0..=255, rounded to nearest; `value` is at most `max`, and
/// `max` at least 1.
pub(super) fn to_8_bits(value: u16, max: u16) -> u8 {
    ((u32::from(value) * 255 + u32::from(max) / 2) / u32::from(max)) as u8
}

/// Reduces samples of two bytes, the high one first, to one byte each.
fn reduce_in_place(samples: &mut Vec<u8>) {
    let half = samples.len() / 2;
    for i in 0..half {
        samples[i] = to_8_bits(u16::from_be_bytes([samples[2 * i], samples[2 * i + 1]]), u16::MAX);
    }
    samples.truncate(half);
}

/// Drops the last of `channels` samples of every pixel.
fn drop_last_channel(samples: &mut Vec<u8>, channels: usize) {
    let kept = channels - 1;
    let pixels = samples.len() / channels;
    for pixel in 1..pixels {
        samples.copy_within(pixel * channels..pixel * channels + kept, pixel * kept);
    }
    samples.truncate(pixels * kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_rounded_to_nearest() {
        assert_eq!([0, 128, 129, 32767, 32896, 65535].map(|v| to_8_bits(v, u16::MAX)), [0, 0, 1, 127, 128, 255]);
        assert_eq!([0, 1, 7, 15].map(|v| to_8_bits(v, 15)), [0, 17, 119, 255]);
        for value in 0..=u16::MAX {
            let exact = (f64::from(value) * 255.0 / 65535.0).round();
            assert_eq!(f64::from(to_8_bits(value, u16::MAX)), exact, "{value}");
        }
    }

    #[test]
    fn alpha_and_low_bytes_go() {
        let options = ReadOptions::reduce();
        let frame = Frame::new((2, 1), false, true, 16, &options).unwrap();
        let stored = [[1, 0, 2, 0, 3, 0, 9, 9], [4, 0, 5, 0, 6, 0, 9, 9]].concat();
        assert_eq!(frame.buffer().unwrap().len(), stored.len());
        assert_eq!(frame.image(stored, Metadata::default()).unwrap().data(), [1, 2, 3, 4, 5, 6]);
        for refuse in [ReadOptions::default(), ReadOptions { alpha: Alpha::Drop, ..ReadOptions::default() }] {
            let error = Frame::new((2, 1), false, true, 16, &refuse).unwrap_err();
            assert!(error.to_string().contains("more than 8 bits per sample"), "{error}");
        }
    }
}

//! What every reader needs while it reads: the options, limits, and notes on what is not kept.

use heirloom_codec::image::{Image, Metadata, PixelFormat, Samples};

use super::options::ReadOptions;
use super::refusals::damaged;
use crate::ReadError;

/// One file being read.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(super) options: &'a ReadOptions,
    notes: Vec<String>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(options: &'a ReadOptions) -> Self {
        Self { options, notes: Vec::new() }
    }

    /// Notes what is not kept; the text stands behind the name of the file ("its … was left out").
    pub(super) fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    pub(super) fn into_notes(self) -> Vec<String> {
        self.notes
    }

    /// Takes damage as a note if reading is lenient.
    ///
    /// # Errors
    /// The damage, otherwise.
    pub(super) fn tolerate(&mut self, damage: ReadError) -> Result<(), ReadError> {
        match damage {
            ReadError::Damaged(text) if self.options.lenient => {
                self.note(format!("{text}; what could be read was taken"));
                Ok(())
            }
            damage => Err(damage),
        }
    }

    /// Number of samples of an image whose samples take `bytes` bytes each.
    ///
    /// # Errors
    /// A side of zero, and images larger than the options allow.
    pub(super) fn count(&self, width: u32, height: u32, channels: usize, bytes: usize) -> Result<usize, ReadError> {
        if width == 0 || height == 0 {
            return Err(ReadError::Damaged(format!("has {width} × {height} pixels; both sides must be at least 1")));
        }
        let samples = (width as usize).checked_mul(height as usize).and_then(|pixels| pixels.checked_mul(channels));
        let allowed =
            |samples: &usize| samples.checked_mul(bytes).is_some_and(|bytes| bytes as u64 <= self.options.max_bytes);
        samples.filter(allowed).ok_or_else(|| {
            ReadError::Unsupported(format!(
                "is too large to read: {width} × {height} pixels need more than the {} MiB that are allowed",
                self.options.max_bytes >> 20
            ))
        })
    }

    /// A buffer of zeros for the bytes of an image.
    ///
    /// # Errors
    /// Fails as [`Reading::count`] does, or if there is not enough memory.
    pub(super) fn buffer(&self, width: u32, height: u32, channels: usize, bytes: usize) -> Result<Vec<u8>, ReadError> {
        zeros(self.count(width, height, channels, bytes)? * bytes)
    }

    /// Which frame of `count` to read; more than one without a choice is noted.
    ///
    /// # Errors
    /// A chosen frame that is not there.
    pub(super) fn frame(&mut self, count: u32, what: &str) -> Result<u32, ReadError> {
        match self.options.frame {
            Some(frame) if frame >= count => {
                let there = if count == 1 { "only frame 0".into() } else { format!("frames 0 to {}", count - 1) };
                Err(ReadError::Unsupported(format!("has no frame {frame}; it has {there}")))
            }
            Some(frame) => Ok(frame),
            None => {
                if count > 1 {
                    self.note(format!("only the first of its {count} {what} was taken; --frame N chooses another"));
                }
                Ok(0)
            }
        }
    }
}

/// Zeros that take no memory before they are written to, where the system works so.
///
/// # Errors
/// Not enough memory.
pub(super) fn zeros<T: Clone + Default>(length: usize) -> Result<Vec<T>, ReadError> {
    Vec::<T>::new().try_reserve_exact(length).map_err(|_| ReadError::Memory)?;
    Ok(vec![T::default(); length])
}

/// An image of grey (1) or RGB (3) samples, perhaps with alpha, and its metadata.
pub(super) fn image(
    (width, height): (u32, u32),
    colours: usize,
    alpha: bool,
    samples: Samples,
    metadata: Metadata,
) -> Result<Image, ReadError> {
    let format = PixelFormat::new(colours, alpha, samples.bits() as u8)
        .ok_or_else(|| damaged("has a number of channels that no image has"))?;
    let mut image = Image::from_samples(width, height, format, samples)
        .map_err(|error| ReadError::Damaged(format!("does not hold what its header says: {error}")))?;
    image.metadata = metadata;
    Ok(image)
}

/// 16-bit samples out of bytes, the high one first.
pub(crate) fn from_big_endian(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|&two| u16::from_be_bytes(two)).collect()
}

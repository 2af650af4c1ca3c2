//! Image files whose rows are read and written one after another, so that an image need not fit in
//! memory.

mod png;
mod pnm;
mod writer;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use heirloom_codec::RowSource;
use heirloom_codec::image::{Metadata, PixelFormat, Samples};

use crate::read::finish::{finished_metadata, refused_if_strict};
use crate::read::{Alpha, Depth, ReadOptions, Reading, catching_panics};
use crate::{ReadError, read};
pub use writer::RowWriter;

/// The rows of an image file, and what [`read_noting`](crate::read_noting) gives beside its pixels.
pub struct RowReader {
    rows: Box<dyn Rows>,
    format: PixelFormat,
    /// Metadata of the image.
    pub metadata: Metadata,
    /// What of the file is left out or changed; see [`ReadImage::notes`](crate::ReadImage::notes).
    pub notes: Vec<String>,
}

/// The rows of a file as they are stored.
trait Rows {
    fn size(&self) -> (u32, u32);

    /// Channels and depth as they are stored: alpha is there even if it is opaque everywhere.
    fn format(&self) -> PixelFormat;

    /// The next `count` rows.
    fn read(&mut self, count: u32) -> Result<Samples, ReadError>;

    /// Reads what stands behind the last row.
    fn end(&mut self, reading: &mut Reading<'_>) -> Result<Metadata, ReadError>;
}

impl RowReader {
    /// Opens an image file to read its rows. The result is what [`read_noting`](crate::read_noting)
    /// gives.
    ///
    /// The file is read twice: first to its end, since metadata may stand there, and since alpha that
    /// is opaque everywhere is dropped. So damage is found before any row is given.
    ///
    /// `None` for what is better read as a whole: images whose samples take less than `least` bytes,
    /// files other than PNG without interlacing and raw PGM, PPM and PAM of 8 and 16 bits, and options
    /// that change pixels.
    ///
    /// # Errors
    /// Any [`ReadError`].
    pub fn open(path: &Path, options: &ReadOptions, least: u64) -> Result<Option<Self>, ReadError> {
        let changes = options.depth != Depth::Keep || options.upright || options.frame.is_some() || options.lenient;
        if changes || !path.is_file() {
            return Ok(None);
        }
        catching_panics(|| {
            let Some(mut rows) = open(path)? else { return Ok(None) };
            let ((width, height), stored) = (rows.size(), rows.format());
            let pixel = stored.channels() as u64 * u64::from(stored.bits() / 8);
            let bytes = (u64::from(width) * u64::from(height)).saturating_mul(pixel);
            if bytes < least || stored.has_alpha() && options.alpha != Alpha::Keep {
                return Ok(None);
            }
            let mut is_opaque = stored.has_alpha();
            for _ in 0..height {
                let row = rows.read(1)?;
                is_opaque = is_opaque && opaque(&row, stored.channels());
            }
            let mut reading = Reading::new(options);
            let metadata = finished_metadata(rows.end(&mut reading)?, options);
            let notes = refused_if_strict(reading)?;
            let opaque = PixelFormat::new(stored.colour_channels(), false, stored.bits() as u8).filter(|_| is_opaque);
            let format = opaque.unwrap_or(stored);
            let Some(rows) = open(path)? else { return Ok(None) };
            Ok(Some(Self { rows, format, metadata, notes }))
        })
    }
}

/// The rows of a file from the first on, if its format is one that is read so.
fn open(path: &Path) -> Result<Option<Box<dyn Rows>>, ReadError> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).map_err(ReadError::Io)?);
    let mut first = [0; 8];
    let count = file.read(&mut first).map_err(ReadError::Io)?;
    file.seek_relative(-(count as i64)).map_err(ReadError::Io)?;
    match read::kind(&first[..count]) {
        Some(read::Kind::Png) => png::open(file),
        Some(read::Kind::Pnm) => pnm::open(file),
        _ => Ok(None),
    }
}

impl RowSource for RowReader {
    fn size(&self) -> (u32, u32) {
        self.rows.size()
    }

    fn format(&self) -> PixelFormat {
        self.format
    }

    fn read_rows(&mut self, count: u32) -> io::Result<Samples> {
        let rows = &mut self.rows;
        let samples = catching_panics(|| rows.read(count)).map_err(io::Error::other)?;
        let stored = self.rows.format();
        if stored == self.format {
            return Ok(samples);
        }
        let (all, kept) = (stored.channels(), self.format.channels());
        Ok(match samples {
            Samples::U8(samples) => Samples::U8(colours(&samples, all, kept)),
            Samples::U16(samples) => Samples::U16(colours(&samples, all, kept)),
        })
    }
}

fn colours<T: Copy>(samples: &[T], all: usize, kept: usize) -> Vec<T> {
    samples.chunks_exact(all).flat_map(|pixel| &pixel[..kept]).copied().collect()
}

/// Whether the last channel of every pixel has its largest value.
fn opaque(samples: &Samples, channels: usize) -> bool {
    match samples {
        Samples::U8(samples) => samples.iter().skip(channels - 1).step_by(channels).all(|alpha| *alpha == u8::MAX),
        Samples::U16(samples) => samples.iter().skip(channels - 1).step_by(channels).all(|alpha| *alpha == u16::MAX),
    }
}

#[cfg(test)]
mod tests;

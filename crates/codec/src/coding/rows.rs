//! Images as streams of rows, so that an image need not be in memory as a whole.

use std::io::{self, Read, Seek, Write};

use super::pixels::{Rows, Window};
use crate::image::{Image, ImageError, Metadata, PixelFormat, Samples};

/// The rows of an image from top to bottom.
pub trait RowSource {
    /// Width and height in pixels, both at least 1.
    fn size(&self) -> (u32, u32);

    /// Format of the pixels.
    fn format(&self) -> PixelFormat;

    /// The next `count` rows, channels interleaved. No more rows are asked for than the image has.
    ///
    /// # Errors
    /// Rows that cannot be read.
    fn read_rows(&mut self, count: u32) -> io::Result<Samples>;
}

/// Where the rows of an image go, from top to bottom.
pub trait RowSink {
    /// Called once, before the first row.
    ///
    /// # Errors
    /// An image that cannot be written.
    fn begin(&mut self, width: u32, height: u32, format: PixelFormat, metadata: &Metadata) -> io::Result<()>;

    /// Takes one or more of the next rows, channels interleaved.
    ///
    /// # Errors
    /// Rows that cannot be written.
    fn write_rows(&mut self, rows: &Samples) -> io::Result<()>;
}

/// A place for coded tiles until all are known: a temporary file, or a `Cursor` in memory.
pub trait Spool: Read + Write + Seek {}

impl<T: Read + Write + Seek> Spool for T {}

/// The rows of an image in memory.
pub(super) struct ImageRows<'a> {
    image: &'a Image,
    next: u32,
}

impl<'a> ImageRows<'a> {
    pub fn new(image: &'a Image) -> Self {
        Self { image, next: 0 }
    }
}

impl RowSource for ImageRows<'_> {
    fn size(&self) -> (u32, u32) {
        (self.image.width(), self.image.height())
    }

    fn format(&self) -> PixelFormat {
        self.image.format()
    }

    fn read_rows(&mut self, count: u32) -> io::Result<Samples> {
        let stride = self.image.width() as usize * self.image.format().channels();
        let begin = self.next as usize * stride;
        let range = begin..begin + count as usize * stride;
        self.next += count;
        let too_many = || io::Error::other("more rows were asked for than the image has");
        match self.image.samples() {
            Samples::U8(data) => data.get(range).map(|rows| Samples::U8(rows.to_vec())).ok_or_else(too_many),
            Samples::U16(data) => data.get(range).map(|rows| Samples::U16(rows.to_vec())).ok_or_else(too_many),
        }
    }
}

/// An empty vector with room for an image, or an error where a plain allocation would end the
/// program.
fn with_room<T>(count: usize) -> io::Result<Vec<T>> {
    let mut samples = Vec::new();
    samples.try_reserve_exact(count).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    Ok(samples)
}

/// Collects rows into an image.
#[derive(Default)]
pub(super) struct ImageSink {
    size: (u32, u32),
    format: Option<PixelFormat>,
    metadata: Metadata,
    samples: Option<Samples>,
}

impl RowSink for ImageSink {
    fn begin(&mut self, width: u32, height: u32, format: PixelFormat, metadata: &Metadata) -> io::Result<()> {
        let count = (width as usize).saturating_mul(height as usize).saturating_mul(format.channels());
        (self.size, self.format, self.metadata) = ((width, height), Some(format), metadata.clone());
        self.samples = Some(match format.bits() {
            8 => Samples::U8(with_room(count)?),
            _ => Samples::U16(with_room(count)?),
        });
        Ok(())
    }

    fn write_rows(&mut self, rows: &Samples) -> io::Result<()> {
        match (&mut self.samples, rows) {
            (Some(Samples::U8(all)), Samples::U8(rows)) => all.extend_from_slice(rows),
            (Some(Samples::U16(all)), Samples::U16(rows)) => all.extend_from_slice(rows),
            _ => return Err(io::Error::other("rows of another depth than the image")),
        }
        Ok(())
    }
}

impl ImageSink {
    /// The image, once all rows are there.
    pub fn into_image(self) -> Result<Image, ImageError> {
        let (width, height) = self.size;
        let (Some(format), Some(samples)) = (self.format, self.samples) else {
            return Err(ImageError::Empty { width, height });
        };
        let mut image = Image::from_samples(width, height, format, samples)?;
        image.metadata = self.metadata;
        Ok(image)
    }
}

impl Rows {
    /// Appends rows of the same depth.
    pub fn append(&mut self, rows: Samples) -> io::Result<()> {
        match (&mut self.samples, rows) {
            (Samples::U8(all), Samples::U8(rows)) if all.is_empty() => *all = rows,
            (Samples::U16(all), Samples::U16(rows)) if all.is_empty() => *all = rows,
            (Samples::U8(all), Samples::U8(rows)) => all.extend_from_slice(&rows),
            (Samples::U16(all), Samples::U16(rows)) => all.extend_from_slice(&rows),
            _ => return Err(io::Error::other("rows of another depth than the image")),
        }
        Ok(())
    }

    /// The last rows alone.
    pub fn last(&self, count: usize) -> Self {
        let y = self.rows().saturating_sub(count);
        let window = Window { x: 0, y, width: self.stride, height: count };
        Self { samples: self.cut(window), stride: self.stride }
    }
}

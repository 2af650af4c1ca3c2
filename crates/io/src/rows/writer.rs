//! Rows into PNG and PNM files.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use heirloom_codec::RowSink;
use heirloom_codec::image::{Metadata, PixelFormat, Samples};
use png::StreamWriter;

use crate::Format;
use crate::write::{Lost, big_endian, png as png_file, pnm};

/// Writes an image whose rows come one after another, as PNG or as PGM, PPM or PAM. The bytes are not
/// always those of [`write()`](crate::write()), but the image is.
pub struct RowWriter<W: Write + 'static> {
    file: Shared<W>,
    state: State<W>,
    lost: Lost,
}

enum State<W: Write + 'static> {
    Empty(Format),
    Pnm,
    Png(Box<StreamWriter<'static, Shared<W>>>),
    Failed,
}

/// The file, which the library for PNG would not give back.
struct Shared<W>(Rc<RefCell<W>>);

impl<W: Write> Write for Shared<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

impl<W: Write + 'static> RowWriter<W> {
    /// A writer of an image of the given format to `file`. `None` for formats other than PNG and PNM,
    /// which take the whole image.
    #[must_use]
    pub fn new(file: W, format: Format) -> Option<Self> {
        matches!(format, Format::Png | Format::Ppm).then(|| Self {
            file: Shared(Rc::new(RefCell::new(file))),
            state: State::Empty(format),
            lost: Lost::default(),
        })
    }

    /// Ends the file behind the last row. Returns it, and what the format could not hold; see
    /// [`Written::lost`](crate::Written::lost).
    ///
    /// # Errors
    /// A file that cannot be written, or rows that are lacking.
    pub fn finish(self) -> io::Result<(W, Option<String>)> {
        let Self { mut file, state, lost } = self;
        match state {
            State::Pnm => file.flush()?,
            State::Png(writer) => writer.finish().map_err(io::Error::other)?,
            State::Empty(_) | State::Failed => return Err(io::Error::other("no image was written")),
        }
        let file = Rc::into_inner(file.0).ok_or_else(|| io::Error::other("the file is still being written"))?;
        Ok((file.into_inner(), lost.text()))
    }
}

impl<W: Write + 'static> RowSink for RowWriter<W> {
    fn begin(&mut self, width: u32, height: u32, format: PixelFormat, metadata: &Metadata) -> io::Result<()> {
        let State::Empty(kind) = std::mem::replace(&mut self.state, State::Failed) else {
            return Err(io::Error::other("a second image was begun"));
        };
        self.state = if kind == Format::Ppm {
            self.lost.metadata("PPM", metadata);
            self.file.write_all(pnm::header(width, height, format).as_bytes())?;
            State::Pnm
        } else {
            let writer =
                png_file::begun(Shared(self.file.0.clone()), (width, height), format, metadata, &mut self.lost);
            let writer = writer.and_then(png::Writer::into_stream_writer).map_err(io::Error::other)?;
            State::Png(Box::new(writer))
        };
        Ok(())
    }

    fn write_rows(&mut self, rows: &Samples) -> io::Result<()> {
        match &mut self.state {
            State::Pnm => self.file.write_all(&big_endian(rows)),
            State::Png(writer) => writer.write_all(&big_endian(rows)),
            State::Empty(_) | State::Failed => Err(io::Error::other("rows came before the image was begun")),
        }
    }
}

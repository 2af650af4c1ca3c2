//! Smaller copies: each pixel is the mean of a square of pixels.

use std::io;

use super::Scale;
use super::rows::RowSink;
use crate::image::{Metadata, PixelFormat, Samples};

/// Shrinks rows on their way to a sink.
///
/// A mean is rounded to nearest. Colour is weighted by alpha, so that colour beneath transparent
/// pixels does not show. Squares at the right and lower edge that reach beyond the image are means
/// of the pixels that there are.
pub(super) struct Shrink<'a> {
    sink: &'a mut dyn RowSink,
    divisor: usize,
    width: usize,
    format: PixelFormat,
    /// For each pixel of the row in the making: weighted sums of colour, sum of the weights, sums of
    /// colour, sum of alpha, number of pixels.
    cells: Vec<Cell>,
    rows: usize,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    weighted: [u64; 3],
    plain: [u64; 3],
    alpha: u64,
    pixels: u64,
}

impl<'a> Shrink<'a> {
    pub fn new(sink: &'a mut dyn RowSink, scale: Scale, width: u32, format: PixelFormat) -> Self {
        let cells = vec![Cell::default(); scale.of(width) as usize];
        Self { sink, divisor: scale.divisor() as usize, width: width as usize, format, cells, rows: 0 }
    }

    /// Writes the last row.
    pub fn finish(mut self) -> io::Result<()> {
        if self.rows > 0 { self.flush() } else { Ok(()) }
    }

    fn add<T: Copy + Into<u64>>(&mut self, row: &[T]) {
        let (channels, colours) = (self.format.channels(), self.format.colour_channels());
        for (x, pixel) in row.chunks_exact(channels).enumerate() {
            let cell = &mut self.cells[x / self.divisor];
            let alpha = pixel.get(colours).map_or(1, |&alpha| alpha.into());
            cell.alpha += alpha;
            cell.pixels += 1;
            for (c, &value) in pixel[..colours].iter().enumerate() {
                cell.plain[c] += value.into();
                cell.weighted[c] += value.into() * alpha;
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let mean = |sum: u64, count: u64| (sum + count / 2) / count.max(1);
        let (alpha, colours) = (self.format.has_alpha(), self.format.colour_channels());
        let pixels = self.cells.iter().flat_map(|cell| {
            let colour = move |c: usize| match cell.alpha {
                0 => mean(cell.plain[c], cell.pixels),
                weight => mean(cell.weighted[c], weight),
            };
            (0..colours).map(colour).chain(alpha.then(|| mean(cell.alpha, cell.pixels)))
        });
        // Means of samples have the range of samples.
        let samples = match self.format.bits() {
            8 => Samples::U8(pixels.map(|value| value as u8).collect()),
            _ => Samples::U16(pixels.map(|value| value as u16).collect()),
        };
        self.cells.fill(Cell::default());
        self.rows = 0;
        self.sink.write_rows(&samples)
    }

    fn take<T: Copy + Into<u64>>(&mut self, rows: &[T]) -> io::Result<()> {
        for row in rows.chunks_exact(self.width * self.format.channels()) {
            self.add(row);
            self.rows += 1;
            if self.rows == self.divisor {
                self.flush()?;
            }
        }
        Ok(())
    }
}

impl RowSink for Shrink<'_> {
    fn begin(&mut self, _: u32, _: u32, _: PixelFormat, _: &Metadata) -> io::Result<()> {
        Ok(())
    }

    fn write_rows(&mut self, rows: &Samples) -> io::Result<()> {
        match rows {
            Samples::U8(rows) => self.take(rows),
            Samples::U16(rows) => self.take(rows),
        }
    }
}

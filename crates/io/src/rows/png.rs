//! Rows of PNG files.

use std::fs::File;
use std::io::BufReader;

use heirloom_codec::image::{Metadata, PixelFormat, Samples};
use png::{ColorType, Decoder, Limits, Reader, Transformations};

use super::Rows;
use crate::ReadError;
use crate::read::Reading;
use crate::read::png::{metadata, refusal};
use crate::read::reading::from_big_endian;
use crate::read::refusals::cut_short;

/// Most memory for metadata and a row.
const LIMIT: usize = 256 << 20;

struct PngRows {
    reader: Reader<BufReader<File>>,
    format: PixelFormat,
}

/// The rows of a PNG file that is neither interlaced nor animated.
pub(super) fn open(file: BufReader<File>) -> Result<Option<Box<dyn Rows>>, ReadError> {
    let mut decoder = Decoder::new_with_limits(file, Limits { bytes: LIMIT });
    decoder.set_transformations(Transformations::EXPAND);
    let reader = decoder.read_info().map_err(refusal)?;
    if reader.info().interlaced || reader.info().animation_control.is_some() {
        return Ok(None);
    }
    let (color, depth) = reader.output_color_type();
    let colours = if matches!(color, ColorType::Grayscale | ColorType::GrayscaleAlpha) { 1 } else { 3 };
    let alpha = matches!(color, ColorType::GrayscaleAlpha | ColorType::Rgba);
    let format = PixelFormat::new(colours, alpha, if depth == png::BitDepth::Sixteen { 16 } else { 8 });
    Ok(format.map(|format| Box::new(PngRows { reader, format }) as Box<dyn Rows>))
}

impl Rows for PngRows {
    fn size(&self) -> (u32, u32) {
        self.reader.info().size()
    }

    fn format(&self) -> PixelFormat {
        self.format
    }

    fn read(&mut self, count: u32) -> Result<Samples, ReadError> {
        let mut bytes = Vec::new();
        for _ in 0..count {
            let row = self.reader.next_row().map_err(refusal)?.ok_or_else(cut_short)?;
            bytes.extend_from_slice(row.data());
        }
        Ok(if self.format.bits() == 16 { Samples::U16(from_big_endian(&bytes)) } else { Samples::U8(bytes) })
    }

    fn end(&mut self, reading: &mut Reading<'_>) -> Result<Metadata, ReadError> {
        self.reader.finish().map_err(refusal)?;
        Ok(metadata(self.reader.info(), self.format.is_grey(), reading))
    }
}

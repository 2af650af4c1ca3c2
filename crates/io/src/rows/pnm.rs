//! Rows of raw PGM, PPM and PAM files.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use heirloom_codec::image::{Metadata, PixelFormat, Samples};

use super::Rows;
use crate::ReadError;
use crate::read::Reading;
use crate::read::pnm::{Header, Rest};
use crate::read::reading::from_big_endian;
use crate::read::refusals::{cut_short, from_memory};

struct PnmRows {
    file: BufReader<File>,
    size: (u32, u32),
    format: PixelFormat,
}

/// The rows of a raw file whose samples reach up to 255 or 65535, and whose header fits the reader's
/// buffer.
pub(super) fn open(mut file: BufReader<File>) -> Result<Option<Box<dyn Rows>>, ReadError> {
    let bytes = file.fill_buf().map_err(ReadError::Io)?;
    let Some((&kind @ (b'5' | b'6' | b'7'), after)) = bytes.get(1..).and_then(<[u8]>::split_first) else {
        return Ok(None);
    };
    let mut rest = Rest(after);
    let Header { width, height, depth, max, is_bitmap } = Header::read(kind, &mut rest)?;
    let bits = match max {
        255 => 8,
        65535 => 16,
        _ => return Ok(None),
    };
    let format = PixelFormat::new(if depth < 3 { 1 } else { 3 }, depth % 2 == 0, bits);
    let Some(format) = format.filter(|_| (1..=4).contains(&depth) && !is_bitmap && width > 0 && height > 0) else {
        return Ok(None);
    };
    // A single white-space character ends the header.
    let length = bytes.len() - rest.0.len() + 1;
    let pixel = format.channels() as u64 * u64::from(format.bits() / 8);
    let needed = (u64::from(width) * u64::from(height)).saturating_mul(pixel).saturating_add(length as u64);
    // Before memory is taken for a row.
    if file.get_ref().metadata().map_err(ReadError::Io)?.len() < needed {
        return Err(cut_short());
    }
    file.consume(length);
    Ok(Some(Box::new(PnmRows { file, size: (width, height), format })))
}

impl Rows for PnmRows {
    fn size(&self) -> (u32, u32) {
        self.size
    }

    fn format(&self) -> PixelFormat {
        self.format
    }

    fn read(&mut self, count: u32) -> Result<Samples, ReadError> {
        let samples = self.size.0 as usize * self.format.channels() * count as usize;
        let mut bytes = vec![0; samples * (self.format.bits() / 8) as usize];
        self.file.read_exact(&mut bytes).map_err(|error| from_memory(&error))?;
        Ok(if self.format.bits() == 16 { Samples::U16(from_big_endian(&bytes)) } else { Samples::U8(bytes) })
    }

    fn end(&mut self, _: &mut Reading<'_>) -> Result<Metadata, ReadError> {
        Ok(Metadata::default())
    }
}

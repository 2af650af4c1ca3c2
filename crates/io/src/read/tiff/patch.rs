//! Changes to a copy of a TIFF file, so that the library `tiff` reads kinds of images that it would
//! refuse or get wrong.
//!
//! The library takes palettes, CIE L*a*b* and 12-bit samples for unsupported colours, although it
//! only has to unpack their strips, and it ignores the order of bits within bytes.

use tiff::tags::{CompressionMethod, Tag};

use super::common::{FileDecoder, Photometric, refusal};
use crate::ReadError;

/// One directory of a file in memory.
struct Directory {
    bytes: Vec<u8>,
    at: usize,
    big_endian: bool,
    /// BigTIFF has wider counts and positions.
    big: bool,
}

impl Directory {
    fn unsigned(&self, at: usize, length: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(length)?)?;
        let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) })
    }

    /// Position of the entry of a tag.
    fn entry(&self, tag: Tag) -> Option<usize> {
        let (head, size) = if self.big { (8, 20) } else { (2, 12) };
        let count = self.unsigned(self.at, head)?.min(4096) as usize;
        (0..count)
            .map(|i| self.at + head + size * i)
            .find(|&entry| self.unsigned(entry, 2) == Some(tag.to_u16().into()))
    }

    /// Replaces an entry by a single 32-bit value.
    fn set(&mut self, tag: Tag, value: u32) -> Option<()> {
        let entry = self.entry(tag)?;
        let wide = if self.big { 8 } else { 4 };
        let (kind, count) = (4u64, 1u64);
        self.put(entry + 2, kind, 2)?;
        self.put(entry + 4, count, wide)?;
        // What is left of the field behind a shorter value is padding, on either side of it.
        self.put(entry + 4 + wide, 0, wide)?;
        self.put(entry + 4 + wide, value.into(), 4)
    }

    fn put(&mut self, at: usize, value: u64, length: usize) -> Option<()> {
        let place = self.bytes.get_mut(at..at + length)?;
        for (i, byte) in place.iter_mut().enumerate() {
            let shift = if self.big_endian { length - 1 - i } else { i };
            *byte = (value >> (8 * shift)) as u8;
        }
        Some(())
    }
}

/// A copy of the file that the library reads as it should, if it would not read `bytes` so.
pub(super) fn patched(
    bytes: &[u8],
    decoder: &mut FileDecoder<'_>,
    photometric: Photometric,
    samples: u16,
    bits: u16,
) -> Result<Option<Vec<u8>>, ReadError> {
    let reversed = decoder.find_tag_unsigned::<u16>(Tag::FillOrder).map_err(refusal)? == Some(2);
    let stand_in = match photometric {
        Photometric::Palette | Photometric::WhiteIsZero if samples > 1 => Some(Photometric::BlackIsZero),
        Photometric::Palette => Some(Photometric::BlackIsZero),
        Photometric::CieLab => Some(Photometric::Rgb),
        _ => None,
    };
    let twelve = bits == 12;
    if !reversed && stand_in.is_none() && !twelve {
        return Ok(None);
    }
    let Some(pointer) = decoder.ifd_pointer() else { return Ok(None) };
    let big = matches!(bytes, [b'I', b'I', 43, ..] | [b'M', b'M', _, 43, ..]);
    let at = usize::try_from(pointer.0).unwrap_or(usize::MAX);
    let mut directory = Directory { bytes: bytes.to_vec(), at, big_endian: bytes.starts_with(b"MM"), big };
    if let Some(stand_in) = stand_in {
        directory.set(Tag::PhotometricInterpretation, stand_in as u32);
    }
    if twelve && !as_bytes(decoder, &mut directory, samples)? {
        return Ok(None);
    }
    if reversed {
        reverse(decoder, &mut directory)?;
    }
    Ok(Some(directory.bytes))
}

/// Makes an image of strips without predictor a grey one of 8 bits: one sample for each byte.
fn as_bytes(decoder: &mut FileDecoder<'_>, directory: &mut Directory, samples: u16) -> Result<bool, ReadError> {
    let (width, _) = decoder.dimensions().map_err(refusal)?;
    let predictor = decoder.find_tag_unsigned::<u16>(Tag::Predictor).map_err(refusal)?.unwrap_or(1);
    let planar = decoder.find_tag_unsigned::<u16>(Tag::PlanarConfiguration).map_err(refusal)?.unwrap_or(1);
    let tiled = decoder.find_tag(Tag::TileWidth).map_err(refusal)?.is_some();
    if predictor != 1 || tiled || planar != 1 {
        return Ok(false);
    }
    let row = (u64::from(width) * u64::from(samples) * 12).div_ceil(8);
    let Ok(row) = u32::try_from(row) else { return Ok(false) };
    for (tag, value) in [
        (Tag::ImageWidth, row),
        (Tag::BitsPerSample, 8),
        (Tag::SamplesPerPixel, 1),
        (Tag::PhotometricInterpretation, Photometric::BlackIsZero as u32),
    ] {
        directory.set(tag, value);
    }
    Ok(true)
}

/// Turns the bits within the bytes of all strips and tiles around.
fn reverse(decoder: &mut FileDecoder<'_>, directory: &mut Directory) -> Result<(), ReadError> {
    let mut list = |strips: Tag, tiles: Tag| -> Result<Vec<u64>, ReadError> {
        let found = decoder.find_tag_unsigned_vec(strips).map_err(refusal)?;
        Ok(match found {
            Some(list) => list,
            None => decoder.find_tag_unsigned_vec(tiles).map_err(refusal)?.unwrap_or_default(),
        })
    };
    let places = list(Tag::StripOffsets, Tag::TileOffsets)?;
    let lengths = list(Tag::StripByteCounts, Tag::TileByteCounts)?;
    // JPEG and Deflate streams have one order of bits whatever the tag says.
    let compression = decoder.find_tag_unsigned::<u16>(Tag::Compression).map_err(refusal)?.unwrap_or(1);
    let whole_bytes = [CompressionMethod::ModernJPEG, CompressionMethod::Deflate, CompressionMethod::OldDeflate];
    if whole_bytes.iter().any(|method| method.to_u16() == compression) {
        return Ok(());
    }
    for (place, length) in places.into_iter().zip(lengths) {
        let range = usize::try_from(place).ok().zip(usize::try_from(place.saturating_add(length)).ok());
        if let Some(strip) = range.and_then(|(start, end)| directory.bytes.get_mut(start..end)) {
            strip.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
        }
    }
    Ok(())
}

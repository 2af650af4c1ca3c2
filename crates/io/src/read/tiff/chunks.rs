//! The strips and tiles of a TIFF image, put together.

use tiff::{
    decoder::{ChunkType, DecodingResult},
    tags::{PlanarConfiguration, Tag},
};

use super::common::{FileDecoder, refusal};
use crate::ReadError;
use crate::read::reading::{Reading, zeros};
use crate::read::refusals::{damaged, of_library};

/// How the samples of an image are stored.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Samples per pixel, as far as the library gives them.
    pub(super) samples: usize,
    /// Bits per sample, 1 to 16.
    pub(super) bits: u8,
    /// Whether each plane has chunks of its own.
    planar: bool,
}

impl Layout {
    pub(super) fn new(decoder: &mut FileDecoder<'_>, reading: &Reading<'_>) -> Result<Self, ReadError> {
        let (width, height) = decoder.dimensions().map_err(refusal)?;
        let samples = decoder.find_tag_unsigned::<u16>(Tag::SamplesPerPixel).map_err(refusal)?.unwrap_or(1);
        // The library leaves out what stands behind a known number of colours.
        let samples = decoder.colortype().map_or(samples, |color| color.num_samples()).into();
        let bits = decoder.find_tag_unsigned_vec::<u16>(Tag::BitsPerSample).map_err(refusal)?.unwrap_or(vec![1]);
        let first = bits.first().copied().unwrap_or(1);
        if bits.iter().any(|bits| *bits != first) || !(1..=16).contains(&first) {
            let list: Vec<String> = bits.iter().map(u16::to_string).collect();
            return Err(ReadError::Unsupported(format!(
                "has samples of {} bits; convert it first, for example `magick IN -depth 16 OUT.png`",
                list.join(", ")
            )));
        }
        let planar = decoder.find_tag_unsigned::<u16>(Tag::PlanarConfiguration).map_err(refusal)?;
        let planar = planar == Some(PlanarConfiguration::Planar.to_u16()) && samples > 1;
        reading.count(width, height, samples, if first > 8 { 2 } else { 1 })?;
        Ok(Self { width, height, samples, bits: first as u8, planar })
    }

    /// All samples, interleaved, each as stored: 0 to 2^bits − 1.
    pub(super) fn read(&self, decoder: &mut FileDecoder<'_>, reading: &mut Reading<'_>) -> Result<Vec<u16>, ReadError> {
        let (width, height) = (self.width as usize, self.height as usize);
        let mut all = zeros::<u16>(width * height * self.samples)?;
        let (mut chunk_width, chunk_height) = decoder.chunk_dimensions();
        if self.bits == 12 {
            chunk_width = self.width; // a copy of bytes, which has other columns
        }
        if chunk_width == 0 || chunk_height == 0 {
            return Err(damaged("is a TIFF file with strips or tiles of no size"));
        }
        let across = self.width.div_ceil(chunk_width);
        let per_plane = across * self.height.div_ceil(chunk_height);
        let planes = if self.planar { self.samples as u32 } else { 1 };
        let places = decoder.find_tag_unsigned_vec::<u64>(match decoder.get_chunk_type() {
            ChunkType::Strip => Tag::StripOffsets,
            ChunkType::Tile => Tag::TileOffsets,
        });
        let count = places.map_err(refusal)?.map_or(0, |places| places.len());
        if count < per_plane.saturating_mul(planes) as usize {
            reading.tolerate(damaged("is a TIFF file without all of its strips or tiles"))?;
        }
        let wanted = if self.planar { 1 } else { self.samples };
        for chunk in 0..per_plane.saturating_mul(planes).min(count as u32) {
            let place = chunk % per_plane;
            let (left, top) = ((place % across * chunk_width) as usize, (place / across * chunk_height) as usize);
            let columns = (width - left).min(chunk_width as usize);
            let rows = (height - top).min(chunk_height as usize);
            match decoder.read_chunk(chunk) {
                Ok(stored) => {
                    let stored = self.unpacked(&stored, columns * wanted, rows)?;
                    let first = if self.planar { (chunk / per_plane) as usize } else { 0 };
                    for (y, row) in stored.chunks_exact(columns * wanted).take(rows).enumerate() {
                        let start = ((top + y) * width + left) * self.samples;
                        let pixels = all[start..start + columns * self.samples].chunks_exact_mut(self.samples);
                        for (to, from) in pixels.zip(row.chunks_exact(wanted)) {
                            to[first..first + wanted].copy_from_slice(from);
                        }
                    }
                }
                Err(error) => reading.tolerate(refusal(error))?,
            }
        }
        Ok(all)
    }

    /// The samples of a chunk, one by one; rows of samples of fewer than 8 bits begin at whole bytes.
    fn unpacked(&self, stored: &DecodingResult, per_row: usize, rows: usize) -> Result<Vec<u16>, ReadError> {
        let too_few = || of_library("a strip or tile has too few samples");
        let bits = usize::from(self.bits);
        match stored {
            DecodingResult::U16(samples) if bits == 16 => {
                samples.get(..per_row * rows).map(<[u16]>::to_vec).ok_or_else(too_few)
            }
            DecodingResult::U8(samples) if bits == 8 => {
                Ok(samples.get(..per_row * rows).ok_or_else(too_few)?.iter().map(|&v| v.into()).collect())
            }
            DecodingResult::U8(packed) => bit_rows(packed, bits, per_row, rows).ok_or_else(too_few),
            _ => Err(ReadError::Unsupported(format!(
                "has samples of {bits} bits; convert it first, for example `magick IN -depth 16 OUT.png`"
            ))),
        }
    }
}

/// Samples of `bits` bits, high bits first, in rows that begin at whole bytes.
fn bit_rows(packed: &[u8], bits: usize, per_row: usize, rows: usize) -> Option<Vec<u16>> {
    let row_bytes = (per_row * bits).div_ceil(8);
    let mut samples = Vec::with_capacity(per_row * rows);
    for row in packed.get(..row_bytes * rows)?.chunks_exact(row_bytes) {
        for i in 0..per_row {
            let first = i * bits;
            let window =
                (0..3).fold(0u32, |window, j| window << 8 | u32::from(row.get(first / 8 + j).copied().unwrap_or(0)));
            samples.push((window >> (24 - first % 8 - bits) & ((1 << bits) - 1)) as u16);
        }
    }
    Some(samples)
}

#[cfg(test)]
mod tests {
    use super::bit_rows;

    #[test]
    fn bits_are_taken_apart() {
        assert_eq!(bit_rows(&[0b1010_0000, 0b0110_0000], 1, 3, 2), Some(vec![1, 0, 1, 0, 1, 1]));
        assert_eq!(bit_rows(&[0x12, 0x30, 0x45, 0x60], 4, 3, 2), Some(vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(bit_rows(&[0x12, 0x34, 0x56], 12, 2, 1), Some(vec![0x123, 0x456]));
        assert_eq!(bit_rows(&[0x12], 4, 3, 1), None);
    }
}

//! The strips and tiles of a TIFF image, put together.

use tiff::{
    decoder::{ChunkType, DecodingResult},
    tags::{CompressionMethod, PlanarConfiguration, SampleFormat, Tag},
};

use super::common::{FileDecoder, Photometric, refusal};
use super::fax;
use super::wide::{self, Range};
use crate::ReadError;
use crate::read::reading::{Reading, zeros};
use crate::read::refusals::{damaged, of_library, unsupported};

/// How the samples of an image are stored.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Samples per pixel, as far as the library gives them.
    pub(super) samples: usize,
    /// Bits per sample, 1 to 16, as they are read.
    pub(super) bits: u8,
    kind: Kind,
    /// Whether each plane has chunks of its own.
    planar: bool,
    /// Whether the library leaves the decompression to us; then, whether it would invert the samples.
    fax: Option<bool>,
}

/// What samples are, as they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Unsigned, of at most 16 bits.
    Plain,
    /// Signed, or of more bits.
    Wide,
    Float,
}

impl Kind {
    fn new(format: u16, bits: u16, reading: &mut Reading<'_>) -> Result<Self, ReadError> {
        let [signed, float] = [SampleFormat::Int, SampleFormat::IEEEFP].map(|kind| kind.to_u16() == format);
        if ![signed, float].contains(&true)
            && ![SampleFormat::Uint, SampleFormat::Void].map(|kind| kind.to_u16()).contains(&format)
        {
            return Err(unsupported("has complex samples, which no image has"));
        }
        let allowed: &[u16] = if float { &[16, 32, 64] } else { &[8, 16, 32, 64] };
        if (signed || float || bits > 16) && !allowed.contains(&bits) {
            return Err(ReadError::Unsupported(format!(
                "has samples of {bits} bits; convert it first, for example `magick IN -depth 16 OUT.png`"
            )));
        }
        Ok(match (float, signed || bits > 16) {
            (true, _) => Self::Float,
            (_, false) => Self::Plain,
            (_, true) => {
                reading.note(wide::integers_note(signed, bits));
                Self::Wide
            }
        })
    }
}

impl Layout {
    pub(super) fn new(decoder: &mut FileDecoder<'_>, reading: &mut Reading<'_>) -> Result<Self, ReadError> {
        let (width, height) = decoder.dimensions().map_err(refusal)?;
        let samples = decoder.find_tag_unsigned::<u16>(Tag::SamplesPerPixel).map_err(refusal)?.unwrap_or(1);
        // The library leaves out what stands behind a known number of colours.
        let samples = decoder.colortype().map_or(samples, |color| color.num_samples()).into();
        let bits = decoder.find_tag_unsigned_vec::<u16>(Tag::BitsPerSample).map_err(refusal)?.unwrap_or(vec![1]);
        let first = bits.first().copied().unwrap_or(1);
        let formats = decoder.find_tag_unsigned_vec::<u16>(Tag::SampleFormat).map_err(refusal)?.unwrap_or_default();
        let format = formats.first().copied().unwrap_or(SampleFormat::Uint.to_u16());
        if formats.iter().any(|other| *other != format) {
            return Err(unsupported("has samples of several kinds"));
        }
        if bits.iter().any(|bits| *bits != first) || first == 0 {
            let list: Vec<String> = bits.iter().map(u16::to_string).collect();
            return Err(ReadError::Unsupported(format!(
                "has samples of {} bits; convert it first, for example `magick IN -depth 16 OUT.png`",
                list.join(", ")
            )));
        }
        let planar = decoder.find_tag_unsigned::<u16>(Tag::PlanarConfiguration).map_err(refusal)?;
        let planar = planar == Some(PlanarConfiguration::Planar.to_u16()) && samples > 1;
        let kind = Kind::new(format, first, reading)?;
        let bits = if kind == Kind::Float { 16 } else { first.min(16) as u8 };
        reading.count(width, height, samples, if bits > 8 { 2 } else { 1 })?;
        Ok(Self { width, height, samples, bits, kind, planar, fax: fax_of(decoder, first, samples)? })
    }

    /// All samples, interleaved: 0 to 2^bits − 1. `file` is what `decoder` reads.
    pub(super) fn read(
        &self,
        decoder: &mut FileDecoder<'_>,
        file: &[u8],
        reading: &mut Reading<'_>,
    ) -> Result<Vec<u16>, ReadError> {
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
        let chunks = per_plane.saturating_mul(planes).min(count as u32);
        let mut range = Range::default();
        if self.kind == Kind::Float {
            // What cannot be read is said below.
            (0..chunks).filter_map(|chunk| decoder.read_chunk(chunk).ok()).for_each(|stored| range.cover(&stored));
            reading.note(range.note());
        }
        for chunk in 0..chunks {
            let place = chunk % per_plane;
            let (left, top) = ((place % across * chunk_width) as usize, (place / across * chunk_height) as usize);
            let columns = (width - left).min(chunk_width as usize);
            let rows = (height - top).min(chunk_height as usize);
            let stored = match self.fax {
                Some(inverted) => fax_strip(decoder, file, chunk, (self.width, rows)).map(|mut packed| {
                    packed.iter_mut().filter(|_| inverted).for_each(|byte| *byte = !*byte);
                    DecodingResult::U8(packed)
                }),
                None => decoder.read_chunk(chunk).map_err(refusal),
            };
            match stored {
                Ok(stored) => {
                    let stored = self.unpacked(&stored, range, columns * wanted, rows)?;
                    let first = if self.planar { (chunk / per_plane) as usize } else { 0 };
                    for (y, row) in stored.chunks_exact(columns * wanted).take(rows).enumerate() {
                        let start = ((top + y) * width + left) * self.samples;
                        let pixels = all[start..start + columns * self.samples].chunks_exact_mut(self.samples);
                        for (to, from) in pixels.zip(row.chunks_exact(wanted)) {
                            to[first..first + wanted].copy_from_slice(from);
                        }
                    }
                }
                Err(error) => reading.tolerate(error)?,
            }
        }
        Ok(all)
    }

    /// The samples of a chunk, one by one; rows of samples of fewer than 8 bits begin at whole bytes.
    fn unpacked(
        &self,
        stored: &DecodingResult,
        range: Range,
        per_row: usize,
        rows: usize,
    ) -> Result<Vec<u16>, ReadError> {
        let too_few = || of_library("a strip or tile has too few samples");
        let bits = usize::from(self.bits);
        let converted = match self.kind {
            Kind::Plain => None,
            Kind::Wide => wide::integers(stored),
            Kind::Float => range.converted(stored),
        };
        if let Some(mut samples) = converted {
            let needed = per_row * rows;
            samples.truncate(needed);
            return if samples.len() == needed { Ok(samples) } else { Err(too_few()) };
        }
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

/// Whether the strips of an image are compressed as by a fax of Group 3; then, whether black is 0 in its
/// samples as the library gives them.
fn fax_of(decoder: &mut FileDecoder<'_>, bits: u16, samples: usize) -> Result<Option<bool>, ReadError> {
    /// Bit 0 of these options means two dimensions, bit 1 uncompressed parts.
    const T4_OPTIONS: Tag = Tag::Unknown(292);
    let compression = decoder.find_tag_unsigned::<u16>(Tag::Compression).map_err(refusal)?;
    if compression != Some(CompressionMethod::Fax3.to_u16()) || (bits, samples) != (1, 1) {
        return Ok(None);
    }
    let options = decoder.find_tag_unsigned::<u32>(T4_OPTIONS).map_err(refusal)?.unwrap_or(0);
    if options & 0b11 != 0 {
        return Err(unsupported(
            "is compressed as by a fax of Group 3 in two dimensions, which is not read; convert it first, for example \
             `magick IN OUT.png`",
        ));
    }
    let photometric = decoder.find_tag_unsigned::<u16>(Tag::PhotometricInterpretation).map_err(refusal)?;
    Ok(Some(photometric == Some(Photometric::WhiteIsZero as u16)))
}

/// A strip of a fax, as rows of bits.
fn fax_strip(
    decoder: &mut FileDecoder<'_>,
    file: &[u8],
    strip: u32,
    (width, rows): (u32, usize),
) -> Result<Vec<u8>, ReadError> {
    let mut list = |tag| decoder.find_tag_unsigned_vec::<usize>(tag).map_err(refusal).map(Option::unwrap_or_default);
    let (starts, lengths) = (list(Tag::StripOffsets)?, list(Tag::StripByteCounts)?);
    let strip = strip as usize;
    let range = starts.get(strip).zip(lengths.get(strip)).map(|(&start, &length)| start..start.saturating_add(length));
    let bytes = range.and_then(|range| file.get(range)).ok_or_else(|| damaged("is cut short"))?;
    let width = u16::try_from(width).map_err(|_| unsupported("has rows that are too long for a fax"))?;
    let lines = fax::lines(bytes, width, rows);
    if lines.len() < rows * usize::from(width).div_ceil(8) {
        return Err(unsupported(
            "has lines of a fax of Group 3 that are not read, or too few of them; convert it first, for example \
             `magick IN OUT.png`",
        ));
    }
    Ok(lines)
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

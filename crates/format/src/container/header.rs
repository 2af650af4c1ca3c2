//! The header of a file.

use super::bytes::{ReadError, Reader, put_varint};
use super::{CANVAS_UNIT, ContainerError, MAGIC, Section, TransferDamage, VERSION};

/// The format of decoded pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelFormat {
    /// Red, green, blue, eight bits each.
    Rgb8,
    /// One grey channel of eight bits. The network codes it as three equal channels; the decoder
    /// returns their mean.
    Grey8,
}

impl PixelFormat {
    /// Number of values per pixel.
    #[must_use]
    pub fn channels(self) -> usize {
        match self {
            Self::Rgb8 => 3,
            Self::Grey8 => 1,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Rgb8 => 0,
            Self::Grey8 => 1,
        }
    }
}

/// The header of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Header {
    /// Width in pixels, at least 1.
    pub width: u32,
    /// Height in pixels, at least 1.
    pub height: u32,
    /// Format of the decoded pixels.
    pub pixel_format: PixelFormat,
    /// The λ that the image was encoded with: finite and above 0, kept to the bit.
    pub lambda: f32,
    /// The first eight bytes of the entropy id, which names the lineage that can decode the
    /// latents.
    pub entropy_id: [u8; 8],
    /// Number of the generation that wrote the file.
    pub generation: u32,
    /// The first four bytes of the id of that generation.
    pub generation_id: [u8; 4],
}

impl Header {
    /// Height and width of the canvas that the network works on: both sides padded to multiples of
    /// [`CANVAS_UNIT`].
    #[must_use]
    pub fn padded_size(&self) -> (u64, u64) {
        let pad = |side: u32| u64::from(side).next_multiple_of(CANVAS_UNIT as u64);
        (pad(self.height), pad(self.width))
    }

    /// Number of pixels of the canvas, saturating.
    #[must_use]
    pub fn padded_pixels(&self) -> u64 {
        let (height, width) = self.padded_size();
        height.saturating_mul(width)
    }

    fn check(&self) -> Result<(), ContainerError> {
        if self.width == 0 || self.height == 0 {
            return Err(ContainerError::BadParameter("width and height must be at least 1"));
        }
        if !(self.lambda.is_finite() && self.lambda > 0.0) {
            return Err(ContainerError::BadParameter("λ must be finite and above 0"));
        }
        Ok(())
    }

    /// Appends magic number, version, header and checksum.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), ContainerError> {
        self.check()?;
        out.extend_from_slice(&MAGIC);
        let begin = out.len();
        out.push(VERSION);
        put_varint(out, self.width);
        put_varint(out, self.height);
        out.push(self.pixel_format.byte());
        out.extend_from_slice(&self.lambda.to_bits().to_le_bytes());
        out.extend_from_slice(&self.entropy_id);
        put_varint(out, self.generation);
        out.extend_from_slice(&self.generation_id);
        let checksum = crc32fast::hash(&out[begin..]);
        out.extend_from_slice(&checksum.to_le_bytes());
        Ok(())
    }

    /// Reads what [`Header::write`] writes. Returns the header and the position of the first
    /// section.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, usize), ContainerError> {
        check_magic(bytes)?;
        let mut reader = Reader::new(bytes, MAGIC.len());
        let version = reader.byte().map_err(into_error)?;
        if version != VERSION {
            return Err(ContainerError::UnsupportedVersion(version));
        }
        let (header, pixel_format) = Self::read_fields(&mut reader).map_err(into_error)?;
        let computed = crc32fast::hash(reader.since(MAGIC.len()));
        if u32::from_le_bytes(reader.array().map_err(into_error)?) != computed {
            return Err(ContainerError::Damaged { section: Section::Header });
        }
        let pixel_format = match pixel_format {
            0 => PixelFormat::Rgb8,
            1 => PixelFormat::Grey8,
            _ => return Err(ContainerError::BadParameter("the pixel format is unknown")),
        };
        let header = Self { pixel_format, ..header };
        header.check()?;
        Ok((header, reader.position))
    }

    /// Reads the fields between version and checksum. The pixel format is returned separately, as
    /// it is checked after the checksum.
    fn read_fields(reader: &mut Reader<'_>) -> Result<(Self, u8), ReadError> {
        let width = reader.varint()?;
        let height = reader.varint()?;
        let pixel_format = reader.byte()?;
        let header = Self {
            width,
            height,
            pixel_format: PixelFormat::Rgb8,
            lambda: f32::from_bits(u32::from_le_bytes(reader.array()?)),
            entropy_id: reader.array()?,
            generation: reader.varint()?,
            generation_id: reader.array()?,
        };
        Ok((header, pixel_format))
    }
}

fn into_error(error: ReadError) -> ContainerError {
    match error {
        ReadError::End => ContainerError::CutShort { section: Section::Header },
        ReadError::Malformed => ContainerError::Damaged { section: Section::Header },
    }
}

fn check_magic(bytes: &[u8]) -> Result<(), ContainerError> {
    if bytes.starts_with(&MAGIC) {
        return Ok(());
    }
    if !bytes.is_empty() && MAGIC.starts_with(bytes) {
        return Err(ContainerError::CutShort { section: Section::Header });
    }
    let hints: [(&[u8], TransferDamage); 6] = [
        (b"\x09HLM", TransferDamage::SevenBit),
        (b"\xc2\x89HLM", TransferDamage::Reencoded),
        (b"\xef\xbf\xbdHLM", TransferDamage::Reencoded),
        (b"\x89HLM\n", TransferDamage::LineEnds),
        (b"\x89HLM\r\r", TransferDamage::LineEnds),
        (b"\x89HLM\r\n\x1a\r", TransferDamage::LineEnds),
    ];
    let hint = hints.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, damage)| *damage);
    Err(ContainerError::NotHeirloom(hint))
}

//! The header of a file.

use super::bytes::{ReadError, Reader, put_varint};
use super::tiling::padded;
use super::{
    CANVAS_UNIT, ContainerError, MAGIC, MAX_TILE_PIXELS, PixelFormat, Section, TileGrid, Tiling, TransferDamage,
    VERSION,
};

/// Most bytes of a header, with magic number and checksum.
pub(super) const MAX_HEADER: usize = 8 + 1 + 5 + 5 + 1 + 3 + 4 + 8 + 5 + 4 + 4;

/// The bit beside those of the pixel format that says that a tiling follows.
const TILED: u8 = 1 << 3;

/// The header of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Header {
    /// Width in pixels, at least 1.
    pub width: u32,
    /// Height in pixels, at least 1.
    pub height: u32,
    /// Format of the decoded pixels.
    pub pixel_format: PixelFormat,
    /// Size of the tiles; `None` for an image that is one tile.
    pub tiling: Option<Tiling>,
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
    /// The tiles of the image. Width and height must be at least 1.
    #[must_use]
    pub fn tiles(&self) -> TileGrid {
        TileGrid::new(self.width, self.height, self.tiling)
    }

    /// Number of pixels of the canvases of all tiles, saturating.
    #[must_use]
    pub fn padded_pixels(&self) -> u64 {
        self.tiles().canvas_pixels()
    }

    fn check(&self) -> Result<(), ContainerError> {
        if self.width == 0 || self.height == 0 {
            return Err(ContainerError::BadParameter("width and height must be at least 1"));
        }
        match self.tiling {
            Some(tiling) => tiling.check(self.width, self.height)?,
            None if padded(self.width).saturating_mul(padded(self.height)) > MAX_TILE_PIXELS => {
                return Err(ContainerError::BadParameter("an image of more than 4096 × 4096 pixels needs tiles"));
            }
            None => {}
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
        out.push(self.pixel_format.byte() | if self.tiling.is_some() { TILED } else { 0 });
        if let Some(Tiling { width, height, overlap }) = self.tiling {
            out.extend([(width / CANVAS_UNIT as u32) as u8, (height / CANVAS_UNIT as u32) as u8, overlap]);
        }
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
        let (header, format) = Self::read_fields(&mut reader).map_err(into_error)?;
        let computed = crc32fast::hash(reader.since(MAGIC.len()));
        if u32::from_le_bytes(reader.array().map_err(into_error)?) != computed {
            return Err(ContainerError::Damaged { section: Section::Header });
        }
        let unknown = ContainerError::BadParameter("the pixel format has reserved bits; use a newer program");
        let pixel_format = PixelFormat::from_byte(format & !TILED).ok_or(unknown)?;
        let header = Self { pixel_format, ..header };
        header.check()?;
        Ok((header, reader.position))
    }

    /// Reads the fields between version and checksum. The byte of the pixel format is returned
    /// separately, as it is checked after the checksum.
    fn read_fields(reader: &mut Reader<'_>) -> Result<(Self, u8), ReadError> {
        let width = reader.varint()?;
        let height = reader.varint()?;
        let format = reader.byte()?;
        let tiling = if format & TILED == 0 {
            None
        } else {
            let [width, height, overlap] = reader.array()?;
            let side = |units: u8| u32::from(units) * CANVAS_UNIT as u32;
            Some(Tiling { width: side(width), height: side(height), overlap })
        };
        let header = Self {
            width,
            height,
            pixel_format: PixelFormat::Rgb8,
            tiling,
            lambda: f32::from_bits(u32::from_le_bytes(reader.array()?)),
            entropy_id: reader.array()?,
            generation: reader.varint()?,
            generation_id: reader.array()?,
        };
        Ok((header, format))
    }
}

fn into_error(error: ReadError) -> ContainerError {
    error.of(Section::Header)
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

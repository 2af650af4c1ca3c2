//! The header of a file.

use super::bytes::{ReadError, Reader, put_varint};
use super::{CANVAS_UNIT, ContainerError, MAGIC, Section, TransferDamage, VERSION};

/// The format of decoded pixels: grey or RGB, with or without alpha, 8 or 16 bits per sample.
///
/// The network codes grey as three equal channels, and the decoder returns their mean. Alpha is
/// straight (the colour is not multiplied by it) and stands behind the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PixelFormat {
    /// Red, green, blue, eight bits each.
    Rgb8,
    /// One grey channel of eight bits.
    Grey8,
    /// Grey and alpha, eight bits each.
    GreyAlpha8,
    /// Red, green, blue, alpha, eight bits each.
    Rgba8,
    /// One grey channel of 16 bits.
    Grey16,
    /// Red, green, blue, 16 bits each.
    Rgb16,
    /// Grey and alpha, 16 bits each.
    GreyAlpha16,
    /// Red, green, blue, alpha, 16 bits each.
    Rgba16,
}

impl PixelFormat {
    /// All formats; the position of each is its byte in the header.
    pub const ALL: [Self; 8] = [
        Self::Rgb8,
        Self::Grey8,
        Self::GreyAlpha8,
        Self::Rgba8,
        Self::Grey16,
        Self::Rgb16,
        Self::GreyAlpha16,
        Self::Rgba16,
    ];

    /// The format of 1 (grey) or 3 (RGB) colour channels, with or without alpha, of 8 or 16 bits;
    /// `None` for other numbers.
    #[must_use]
    pub fn new(colour_channels: usize, alpha: bool, bits: u8) -> Option<Self> {
        let fits =
            |f: &Self| f.colour_channels() == colour_channels && f.has_alpha() == alpha && f.bits() == u32::from(bits);
        Self::ALL.into_iter().find(fits)
    }

    /// Number of samples per pixel, alpha included: 1 to 4.
    #[must_use]
    pub fn channels(self) -> usize {
        self.colour_channels() + usize::from(self.has_alpha())
    }

    /// Number of colour samples per pixel: 1 (grey) or 3 (RGB).
    #[must_use]
    pub fn colour_channels(self) -> usize {
        if self.is_grey() { 1 } else { 3 }
    }

    /// Whether the colour is grey.
    #[must_use]
    pub fn is_grey(self) -> bool {
        matches!(self, Self::Grey8 | Self::GreyAlpha8 | Self::Grey16 | Self::GreyAlpha16)
    }

    /// Whether an alpha sample stands behind the colour of every pixel.
    #[must_use]
    pub fn has_alpha(self) -> bool {
        matches!(self, Self::GreyAlpha8 | Self::Rgba8 | Self::GreyAlpha16 | Self::Rgba16)
    }

    /// Bits per sample: 8 or 16.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            Self::Rgb8 | Self::Grey8 | Self::GreyAlpha8 | Self::Rgba8 => 8,
            Self::Grey16 | Self::Rgb16 | Self::GreyAlpha16 | Self::Rgba16 => 16,
        }
    }

    /// The same format without alpha.
    #[must_use]
    pub fn without_alpha(self) -> Self {
        match self {
            Self::GreyAlpha8 => Self::Grey8,
            Self::Rgba8 => Self::Rgb8,
            Self::GreyAlpha16 => Self::Grey16,
            Self::Rgba16 => Self::Rgb16,
            opaque => opaque,
        }
    }

    /// The same format with alpha.
    #[must_use]
    pub fn with_alpha(self) -> Self {
        match self {
            Self::Grey8 => Self::GreyAlpha8,
            Self::Rgb8 => Self::Rgba8,
            Self::Grey16 => Self::GreyAlpha16,
            Self::Rgb16 => Self::Rgba16,
            alpha => alpha,
        }
    }

    /// The format of one grey channel of the same depth.
    #[must_use]
    pub fn grey(self) -> Self {
        if self.bits() == 8 { Self::Grey8 } else { Self::Grey16 }
    }

    /// Name in lower case, as in `rgb8` and `grey-alpha16`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rgb8 => "rgb8",
            Self::Grey8 => "grey8",
            Self::GreyAlpha8 => "grey-alpha8",
            Self::Rgba8 => "rgba8",
            Self::Grey16 => "grey16",
            Self::Rgb16 => "rgb16",
            Self::GreyAlpha16 => "grey-alpha16",
            Self::Rgba16 => "rgba16",
        }
    }

    fn byte(self) -> u8 {
        self as u8
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
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
        let unknown = ContainerError::BadParameter("the pixel format is unknown");
        let pixel_format = PixelFormat::from_byte(pixel_format).ok_or(unknown)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixel_formats_are_what_their_parts_say() {
        for (byte, format) in PixelFormat::ALL.into_iter().enumerate() {
            assert_eq!((format.byte(), PixelFormat::from_byte(byte as u8)), (byte as u8, Some(format)));
            let (colours, alpha, bits) = (format.colour_channels(), format.has_alpha(), format.bits() as u8);
            assert_eq!(PixelFormat::new(colours, alpha, bits), Some(format));
            assert_eq!(PixelFormat::new(colours, false, bits), Some(format.without_alpha()));
            assert_eq!(PixelFormat::new(colours, true, bits), Some(format.with_alpha()));
            assert_eq!(format.channels(), colours + usize::from(alpha));
        }
        assert_eq!(PixelFormat::from_byte(8), None);
        assert_eq!(PixelFormat::new(2, false, 8), None);
        assert_eq!(PixelFormat::new(3, false, 10), None);
    }
}

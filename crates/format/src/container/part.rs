//! The names of the parts of a file.

use std::fmt;

/// A section of a file, as errors name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Section {
    /// Magic number, version and header.
    Header,
    /// ICC profile.
    Icc,
    /// Exif.
    Exif,
    /// XMP.
    Xmp,
    /// Coding-independent code points.
    Cicp,
    /// Resolution.
    Resolution,
    /// Lengths of the sections of all tiles.
    Index,
    /// A section of a tile.
    Tile {
        /// Number of the tile, counted from 0 in rows from the top; `None` in a file of one tile.
        tile: Option<u32>,
        /// Which of its sections.
        part: Part,
    },
    /// A section of an unknown kind, given by its kind byte.
    Unknown(u8),
    /// The position where a section should begin or the file should end.
    Next,
}

/// A section of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The alpha channel.
    Alpha,
    /// Coded latent, 1 (stride 64, coarse) to 4 (stride 8, fine).
    Latent(u8),
    /// The colour without loss.
    Lossless,
}

/// Kind bytes.
pub(super) mod kind {
    pub const LOSSLESS: u8 = 0x05;
    pub const ALPHA: u8 = 0x06;
    pub const INDEX: u8 = 0x07;
    pub const ICC: u8 = 0x81;
    pub const EXIF: u8 = 0x82;
    pub const XMP: u8 = 0x83;
    pub const CICP: u8 = 0x84;
    pub const RESOLUTION: u8 = 0x85;
    /// The bit that lets a reader skip a section of an unknown kind.
    pub const ANCILLARY: u8 = 0x80;
}

impl Part {
    pub(super) fn kind(self) -> u8 {
        match self {
            Self::Alpha => kind::ALPHA,
            Self::Latent(level) => level,
            Self::Lossless => kind::LOSSLESS,
        }
    }

    pub(super) fn from_kind(kind: u8) -> Option<Self> {
        match kind {
            1..=4 => Some(Self::Latent(kind)),
            kind::LOSSLESS => Some(Self::Lossless),
            kind::ALPHA => Some(Self::Alpha),
            _ => None,
        }
    }
}

impl Section {
    /// The section of a kind byte; the number of a tile is not known from it.
    pub(super) fn from_kind(kind: u8) -> Self {
        match kind {
            kind::INDEX => Self::Index,
            kind::ICC => Self::Icc,
            kind::EXIF => Self::Exif,
            kind::XMP => Self::Xmp,
            kind::CICP => Self::Cicp,
            kind::RESOLUTION => Self::Resolution,
            _ => Part::from_kind(kind).map_or(Self::Unknown(kind), |part| Self::Tile { tile: None, part }),
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("the header"),
            Self::Icc => f.write_str("the ICC profile"),
            Self::Exif => f.write_str("the Exif metadata"),
            Self::Xmp => f.write_str("the XMP metadata"),
            Self::Cicp => f.write_str("the colour space (CICP)"),
            Self::Resolution => f.write_str("the resolution"),
            Self::Index => f.write_str("the index of tiles"),
            Self::Tile { tile, part } => {
                match part {
                    Part::Alpha => f.write_str("the alpha channel")?,
                    Part::Latent(level) => write!(f, "latent z{level}")?,
                    Part::Lossless => f.write_str("the lossless colour")?,
                }
                tile.map_or(Ok(()), |tile| write!(f, " of tile {tile}"))
            }
            Self::Unknown(kind) => write!(f, "the section of unknown kind 0x{kind:02x}"),
            Self::Next => f.write_str("the place where a section or the end of the file should be"),
        }
    }
}

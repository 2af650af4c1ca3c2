//! Sections of a file.

use std::fmt;

/// A section of a file, as errors name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Section {
    /// Magic number, version and header.
    Header,
    /// Coded latent, 1 (stride 64, coarse) to 4 (stride 8, fine).
    Latent(u8),
    /// ICC profile.
    Icc,
    /// Exif.
    Exif,
    /// XMP.
    Xmp,
    /// A section of an unknown kind, given by its kind byte.
    Unknown(u8),
    /// The position where a section should begin or the file should end.
    Next,
}

/// The bit of the kind byte that lets a reader skip a section of an unknown kind.
const ANCILLARY: u8 = 0x80;

impl Section {
    pub(super) fn from_kind(kind: u8) -> Self {
        match kind {
            1..=4 => Self::Latent(kind),
            0x81 => Self::Icc,
            0x82 => Self::Exif,
            0x83 => Self::Xmp,
            _ => Self::Unknown(kind),
        }
    }

    /// The kind byte. `Header` and `Next` are not real sections; their 0 is never written.
    pub(super) fn kind(self) -> u8 {
        match self {
            Self::Header | Self::Next => 0,
            Self::Latent(level) => level,
            Self::Icc => 0x81,
            Self::Exif => 0x82,
            Self::Xmp => 0x83,
            Self::Unknown(kind) => kind,
        }
    }

    pub(super) fn is_ancillary(self) -> bool {
        self.kind() & ANCILLARY != 0
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("the header"),
            Self::Latent(level) => write!(f, "latent z{level}"),
            Self::Icc => f.write_str("the ICC profile"),
            Self::Exif => f.write_str("the Exif metadata"),
            Self::Xmp => f.write_str("the XMP metadata"),
            Self::Unknown(kind) => write!(f, "the section of unknown kind 0x{kind:02x}"),
            Self::Next => f.write_str("the boundary after the last good section"),
        }
    }
}

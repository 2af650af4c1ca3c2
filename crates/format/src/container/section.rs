//! Names of the parts of a file.

use std::fmt;

/// A part of a file, as errors name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Section {
    /// Magic, version and header.
    Header,
    /// Coded latent, 1 (stride 64, coarse) to 4 (stride 8, fine).
    Latent(u8),
    /// ICC profile.
    Icc,
    /// Exif.
    Exif,
    /// XMP.
    Xmp,
    /// A section that this version does not know, by its kind byte.
    Unknown(u8),
    /// The place where a section should begin or the file should end.
    Next,
}

/// Bit of the kind byte that says: who does not know this kind may skip the section.
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

    /// The kind byte. Header and `Next` are no sections of the file and have 0, which is never written.
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

//! Errors of the container.

use std::fmt;

use super::{Section, VERSION};

/// How a transfer changed the first bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferDamage {
    /// High bits were stripped.
    SevenBit,
    /// Line ends were converted.
    LineEnds,
    /// The bytes were treated as text and re-encoded as UTF-8.
    Reencoded,
}

/// An error of the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerError {
    /// The bytes do not begin with the magic number. The hint is set if they did before a transfer.
    NotHeirloom(Option<TransferDamage>),
    /// The version of the format cannot be read.
    UnsupportedVersion(u8),
    /// A critical section is of an unknown kind, given by its kind byte.
    UnsupportedSection(u8),
    /// A checksum or the structure is wrong.
    Damaged {
        /// The section that is wrong.
        section: Section,
    },
    /// The bytes end too early.
    CutShort {
        /// The section that is cut short; `Next` if a whole section is missing.
        section: Section,
    },
    /// A limit of the caller is exceeded. No memory was allocated.
    OverLimit {
        /// Name of the limited quantity.
        what: &'static str,
        /// Value in the file.
        value: u64,
        /// Largest value allowed.
        limit: u64,
    },
    /// A value is impossible in any file.
    BadParameter(&'static str),
    /// The file could not be read.
    Io {
        /// Kind of the failure.
        kind: std::io::ErrorKind,
        /// What the operating system says.
        message: String,
    },
}

impl fmt::Display for ContainerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHeirloom(None) => f.write_str("not a Heirloom file"),
            Self::NotHeirloom(Some(damage)) => {
                f.write_str("not a Heirloom file any more: ")?;
                f.write_str(match damage {
                    TransferDamage::SevenBit => "a 7-bit transfer stripped its high bits",
                    TransferDamage::LineEnds => "a transfer in text mode converted its line ends",
                    TransferDamage::Reencoded => "it was treated as text and re-encoded as UTF-8",
                })?;
                f.write_str("; copy the original again, in binary mode")
            }
            Self::UnsupportedVersion(version) => {
                write!(
                    f,
                    "the file has format version {version}, but only version {VERSION} can be read; use a newer program"
                )
            }
            Self::UnsupportedSection(kind) => {
                write!(f, "the file needs a section of the unknown kind 0x{kind:02x}; use a newer program")
            }
            Self::Damaged { section } => write!(f, "the file is damaged in {section}"),
            Self::CutShort { section } => write!(f, "the file is cut short in {section}"),
            Self::OverLimit { what, value, limit } => {
                write!(f, "the {what}, {value}, exceeds the limit of {limit}; raise the limit if the file is trusted")
            }
            Self::BadParameter(what) => write!(f, "invalid value: {what}"),
            Self::Io { message, .. } => write!(f, "the file cannot be read: {message}"),
        }
    }
}

impl std::error::Error for ContainerError {}

impl From<std::io::Error> for ContainerError {
    fn from(error: std::io::Error) -> Self {
        Self::Io { kind: error.kind(), message: error.to_string() }
    }
}

//! What can be wrong with a file.

use std::fmt;

use super::{Section, VERSION};

/// How a transfer in text mode mangled the magic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferDamage {
    /// The high bit was stripped.
    SevenBit,
    /// Line ends were converted.
    LineEnds,
    /// The bytes were taken for text and re-encoded as UTF-8.
    Reencoded,
}

/// Error of the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerError {
    /// The bytes do not begin with the magic; the hint is set where they once did.
    NotHeirloom(Option<TransferDamage>),
    /// A version of the format that this build does not read.
    UnsupportedVersion(u8),
    /// A critical section of a kind that this build does not know, by its kind byte.
    UnsupportedSection(u8),
    /// A checksum or the structure is wrong.
    Damaged {
        /// Where.
        section: Section,
    },
    /// The bytes end too early.
    CutShort {
        /// In which section; `Next` where a whole section is missing.
        section: Section,
    },
    /// A limit of the caller is exceeded; nothing was allocated.
    OverLimit {
        /// What is limited.
        what: &'static str,
        /// What the file asks for.
        value: u64,
        /// What is allowed.
        limit: u64,
    },
    /// A value that no file may have.
    BadParameter(&'static str),
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
                    TransferDamage::Reencoded => "it was taken for text and re-encoded as UTF-8",
                })?;
                f.write_str("; copy the original again in binary mode")
            }
            Self::UnsupportedVersion(version) => {
                write!(f, "format version {version}; this build reads version {VERSION}, a newer one may read it")
            }
            Self::UnsupportedSection(kind) => {
                write!(
                    f,
                    "section kind 0x{kind:02x} is needed for decoding but unknown to this build; a newer one may know it"
                )
            }
            Self::Damaged { section } => write!(f, "the file is damaged in {section}"),
            Self::CutShort { section } => write!(f, "the file is cut short in {section}"),
            Self::OverLimit { what, value, limit } => {
                write!(f, "{what} {value} exceeds the limit of {limit}; raise the limit if the file is trusted")
            }
            Self::BadParameter(what) => write!(f, "invalid value: {what}"),
        }
    }
}

impl std::error::Error for ContainerError {}

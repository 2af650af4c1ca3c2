//! What can go wrong while latents are coded.

use std::fmt;

use super::MAX_MAGNITUDE;

/// Error of the entropy coder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntropyError {
    /// The slices handed over differ in length: a mistake of the caller.
    LengthMismatch {
        /// Number of residuals, or room for them.
        symbols: usize,
        /// Number of scale indices.
        indices: usize,
    },
    /// A scale index is not below 64: a mistake of the caller.
    BadScaleIndex {
        /// Where it stands in the slice.
        position: usize,
        /// Its value.
        index: u8,
    },
    /// A residual is too large to be written.
    TooLarge {
        /// Where it stands in the slice.
        position: usize,
        /// Its value.
        value: i32,
    },
    /// The number of states asked for is not 1, 2, 4 or 8: a mistake of the caller.
    BadStateCount(usize),
    /// The bytes end before all residuals were read.
    CutShort,
    /// The bytes are no output of the encoder, or belong to other scale indices.
    Damaged(&'static str),
}

impl fmt::Display for EntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LengthMismatch { symbols, indices } => {
                write!(f, "{symbols} residuals but {indices} scale indices; hand over one index per residual")
            }
            Self::BadScaleIndex { position, index } => {
                write!(f, "scale index {index} at position {position} is not below 64; take it from `scale_index`")
            }
            Self::TooLarge { position, value } => write!(
                f,
                "residual {value} at position {position} exceeds ±{MAX_MAGNITUDE}; the encoder network diverged on this image"
            ),
            Self::BadStateCount(count) => write!(f, "{count} interleaved states; the format knows 1, 2, 4 and 8"),
            Self::CutShort => {
                write!(f, "coded latents end too early; the file is cut short or the model is not the one it names")
            }
            Self::Damaged(what) => {
                write!(f, "coded latents are damaged ({what}), or the model is not the one the file names")
            }
        }
    }
}

impl std::error::Error for EntropyError {}

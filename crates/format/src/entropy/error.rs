//! Errors of the entropy coder.

use std::fmt;

use super::MAX_MAGNITUDE;

/// An error of the entropy coder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntropyError {
    /// The given slices differ in length: an error of the caller.
    LengthMismatch {
        /// Number of residuals, or room for them.
        symbols: usize,
        /// Number of scale indices.
        indices: usize,
    },
    /// A scale index is not below 64: an error of the caller.
    BadScaleIndex {
        /// Its position in the slice.
        position: usize,
        /// Its value.
        index: u8,
    },
    /// A residual is too large to be coded.
    TooLarge {
        /// Its position in the slice.
        position: usize,
        /// Its value.
        value: i32,
    },
    /// The number of states is not 1, 2, 4 or 8: an error of the caller.
    BadStateCount(usize),
    /// The bytes end before all residuals have been read.
    CutShort,
    /// The bytes are not output of the encoder, or belong to other scale indices.
    Damaged(&'static str),
}

impl fmt::Display for EntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LengthMismatch { symbols, indices } => {
                write!(f, "there are {symbols} residuals but {indices} scale indices; pass one index per residual")
            }
            Self::BadScaleIndex { position, index } => {
                write!(f, "scale index {index} at position {position} is not below 64; take it from `scale_index`")
            }
            Self::TooLarge { position, value } => write!(
                f,
                "the residual {value} at position {position} exceeds ±{MAX_MAGNITUDE}; the encoder diverged on this image, so encode \
                 it with another model"
            ),
            Self::BadStateCount(count) => write!(f, "{count} interleaved states are impossible; choose 1, 2, 4 or 8"),
            Self::CutShort => {
                write!(
                    f,
                    "the coded bytes end too early: the file is cut short, or the model is not the one that it names"
                )
            }
            Self::Damaged(what) => {
                write!(f, "the coded bytes are damaged ({what}), or the model is not the one that the file names")
            }
        }
    }
}

impl std::error::Error for EntropyError {}

//! What can go wrong when codecs are measured.

use std::fmt;
use std::path::PathBuf;

/// Why a measurement was refused.
///
/// Every variant is the caller's to mend: no number is better than a number that means nothing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum EvalError {
    /// Two images that should be compared differ in size, or a buffer is not `3 · width · height` long.
    Shape {
        /// What was expected, in words.
        expected: String,
        /// What was given, in words.
        found: String,
    },
    /// An image is too small for the metric.
    TooSmall {
        /// Name of the metric.
        metric: &'static str,
        /// Least length of the shorter side, in pixels.
        least: usize,
        /// Length of the shorter side that was given.
        found: usize,
    },
    /// A rate-distortion curve cannot be used.
    Curve {
        /// Name of the curve.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two curves share too small a range of PSNR for a BD-rate that means anything.
    Overlap {
        /// Name of the anchor.
        anchor: String,
        /// Name of the tested curve.
        test: String,
        /// Width of the shared range in dB; zero or less when there is none.
        shared_db: f64,
        /// Least width in dB for these two curves.
        needed_db: f64,
    },
    /// A file that is to be measured cannot be written or read back.
    File {
        /// The file.
        path: PathBuf,
        /// The reason of the operating system.
        reason: String,
    },
    /// There is no anchor of that name.
    UnknownAnchor {
        /// The name that was asked for.
        name: String,
    },
    /// JSON that does not read as what it should be.
    Json {
        /// What was read.
        what: String,
        /// The reader's own words.
        reason: String,
    },
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape { expected, found } => write!(f, "images do not match: expected {expected}, found {found}"),
            Self::TooSmall { metric, least, found } => {
                write!(f, "{metric} needs both sides to be at least {least} pixels, the shorter one has {found}")
            }
            Self::Curve { name, reason } => write!(f, "the curve '{name}' cannot be used: {reason}"),
            Self::Overlap { anchor, test, shared_db, needed_db } => write!(
                f,
                "no BD-rate of '{test}' against '{anchor}': the curves share {:.2} dB, at least {needed_db:.2} dB are needed; \
                 measure more rates",
                shared_db.max(0.0)
            ),
            Self::File { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::UnknownAnchor { name } => {
                write!(f, "there is no anchor '{name}'; there are: {}", crate::anchors::NAMES.join(", "))
            }
            Self::Json { what, reason } => write!(f, "{what} does not read as JSON of the expected form: {reason}"),
        }
    }
}

impl std::error::Error for EvalError {}

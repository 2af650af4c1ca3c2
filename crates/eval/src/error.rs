//! Errors of measuring codecs.

use std::fmt;
use std::path::PathBuf;

/// Why there is no measurement. No number is better than a meaningless one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum EvalError {
    /// Two images to be compared differ in size, or a buffer is not `3 · width · height` long.
    Shape {
        /// The expected size, in words.
        expected: String,
        /// The given size, in words.
        found: String,
    },
    /// An image is too small for the metric.
    TooSmall {
        /// Name of the metric.
        metric: &'static str,
        /// Smallest length of the shorter side, in pixels.
        least: usize,
        /// Length of the shorter side of the given image, in pixels.
        found: usize,
    },
    /// A rate-distortion curve cannot be used.
    Curve {
        /// Name of the curve.
        name: String,
        /// The reason.
        reason: String,
    },
    /// Two curves share too small a range of PSNR for a meaningful BD-rate.
    Overlap {
        /// Name of the anchor.
        anchor: String,
        /// Name of the tested curve.
        test: String,
        /// Width of the shared range in dB; zero or less if there is none.
        shared_db: f64,
        /// Smallest width in dB for these two curves.
        needed_db: f64,
    },
    /// A file that is to be measured cannot be written or read back.
    File {
        /// The file.
        path: PathBuf,
        /// The reason of the operating system.
        reason: String,
    },
    /// No anchor has this name.
    UnknownAnchor {
        /// The name.
        name: String,
        /// Names of all anchors.
        known: &'static [&'static str],
    },
    /// A JSON text does not have the expected form.
    Json {
        /// What the text should be.
        what: String,
        /// The message of the JSON library.
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
            Self::UnknownAnchor { name, known } => {
                write!(f, "there is no anchor '{name}'; choose one of: {}", known.join(", "))
            }
            Self::Json { what, reason } => write!(f, "{what} is not JSON of the expected form: {reason}"),
        }
    }
}

impl std::error::Error for EvalError {}

//! Errors of the trainer, worded so that a user knows what to do.

use std::{fmt, io, path::Path};

use heirloom_eval::EvalError;
use heirloom_io::FileError;
use heirloom_store::StoreError;

/// Result of the trainer's functions.
pub type Result<T> = std::result::Result<T, TrainError>;

/// Errors of the trainer.
#[derive(Debug)]
pub enum TrainError {
    /// A file or folder could not be read or written: what was tried with which path, and the
    /// system's reason.
    Io { what: String, source: io::Error },
    /// The configuration is wrong or contradicts itself or the run.
    Config(String),
    /// Images or files to learn from are missing, damaged or unusable.
    Data(String),
    /// A checkpoint is damaged or belongs to another network.
    Checkpoint(String),
    /// A parameter is missing, has the wrong shape or the wrong value.
    Parameter(String),
    /// A model cannot be made, or is not the needed one.
    Model(String),
    /// A model is missing or damaged.
    Store(StoreError),
    /// Too many steps in a row had a loss or gradient that was not finite, or a gradient far larger
    /// than usual.
    NotFinite { step: u64, in_a_row: u32 },
    /// The device failed, or a tensor could not be read back from it.
    Device(String),
}

impl TrainError {
    /// Makes a [`TrainError::Io`] of a system's error: "cannot `verb` `path`".
    pub fn io(verb: &str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let what = format!("cannot {verb} {}", path.display());
        move |source| Self::Io { what, source }
    }
}

impl From<FileError> for TrainError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io { path, source } => Self::io("write", &path)(source),
            other => Self::Config(other.to_string()),
        }
    }
}

impl From<EvalError> for TrainError {
    fn from(error: EvalError) -> Self {
        Self::Data(error.to_string())
    }
}

impl From<StoreError> for TrainError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for TrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { what, source } => write!(f, "{what}: {source}"),
            Self::Config(m) => write!(f, "configuration: {m}"),
            Self::Data(m) => write!(f, "data: {m}"),
            Self::Checkpoint(m) => write!(f, "checkpoint: {m}"),
            Self::Parameter(m) => write!(f, "parameter: {m}"),
            Self::Model(m) => write!(f, "model file: {m}"),
            Self::Store(e) => write!(f, "model file: {e}"),
            Self::NotFinite { step, in_a_row } => write!(
                f,
                "the gradient was not finite, or far larger than usual, in {in_a_row} steps in a row up to step {step}. The \
                 weights are still those before them: lower the learning rate, or resume from an earlier checkpoint"
            ),
            Self::Device(m) => write!(f, "device: {m}"),
        }
    }
}

impl std::error::Error for TrainError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Store(e) => Some(e),
            _ => None,
        }
    }
}

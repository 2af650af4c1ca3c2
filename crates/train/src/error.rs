//! What can go wrong while training, said so that the reader knows what to do.

use std::{fmt, io, path::Path};

use heirloom_store::StoreError;

/// Shorthand of this crate.
pub type Result<T> = std::result::Result<T, TrainError>;

/// Errors of the trainer.
#[derive(Debug)]
pub enum TrainError {
    /// A file or folder could not be read or written: the path, what was tried and the system's reason.
    Io { what: String, source: io::Error },
    /// The configuration is wrong or contradicts itself.
    Config(String),
    /// The data folder is unusable (empty, or nothing in it can be decoded).
    Data(String),
    /// A checkpoint is damaged or belongs to another network.
    Checkpoint(String),
    /// A parameter is missing, or has another shape than the network expects.
    Parameter(String),
    /// A model cannot be made, or is not the one that is needed.
    Model(String),
    /// A model is not at hand, or damaged.
    Store(StoreError),
    /// Too many steps in a row had a loss or gradient that is not finite, or a gradient far larger than usual.
    NotFinite { step: u64, in_a_row: u32 },
    /// The device failed, or a tensor could not be read back from it.
    Device(String),
}

impl TrainError {
    /// An [`TrainError::Io`] that names the path.
    pub fn io(verb: &str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let what = format!("cannot {verb} {}", path.display());
        move |source| Self::Io { what, source }
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
                "loss or gradient was not finite, or far larger than usual, in {in_a_row} steps in a row, up to step {step}; the \
                 weights are still those before them. Lower the learning rate, or resume from an earlier checkpoint"
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

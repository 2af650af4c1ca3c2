//! Why a model is not at hand.

use std::path::PathBuf;
use std::sync::Arc;
use std::{error, fmt, io};

use heirloom_codec::model::{GenerationId, ModelError};

/// Why a model, or the store, cannot be used.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The folder of the store, or one in it, cannot be read.
    Folder {
        /// The folder of the store.
        folder: PathBuf,
        /// The system's reason.
        source: Arc<io::Error>,
    },
    /// A file cannot be read.
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: Arc<io::Error>,
    },
    /// A file is no sound model.
    Model {
        /// What the model is called.
        name: String,
        /// What is wrong with it.
        source: ModelError,
    },
    /// No model at hand has an id that begins so.
    Unknown {
        /// First digits of a generation id.
        digits: String,
        /// The folder of the store, if there is a place for one.
        folder: Option<PathBuf>,
    },
    /// Several models at hand have ids that begin so.
    Ambiguous {
        /// First digits of a generation id.
        digits: String,
        /// Two of the ids.
        ids: [GenerationId; 2],
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { folder, source } => {
                write!(f, "{}: the model store cannot be read: {source}", folder.display())
            }
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Model { name, source } => write!(f, "{name}: {source}"),
            Self::Unknown { digits, folder } => {
                let place = folder.as_ref().map_or_else(|| "there is no store".into(), |f| f.display().to_string());
                write!(f, "no model here has an id that begins with {digits} (the store: {place})")
            }
            Self::Ambiguous { digits, ids: [one, other] } => {
                write!(f, "the digits {digits} begin the ids of {one} and {other}")
            }
        }
    }
}

impl error::Error for StoreError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Folder { source, .. } | Self::File { source, .. } => Some(&**source),
            Self::Model { source, .. } => Some(source),
            Self::Unknown { .. } | Self::Ambiguous { .. } => None,
        }
    }
}

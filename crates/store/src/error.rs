//! Errors of finding and reading models.

use std::path::PathBuf;
use std::sync::Arc;
use std::{error, fmt, io};

use heirloom_codec::model::{GenerationId, ModelError};

use crate::model_ref::{DEFAULT, MIN_ID_DIGITS};

/// Why a model, or the store, cannot be used.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The folder of the store, or one in it, cannot be read.
    Folder {
        /// The folder of the store.
        folder: PathBuf,
        /// The reason of the operating system.
        source: Arc<io::Error>,
    },
    /// A file cannot be read.
    File {
        /// The file.
        path: PathBuf,
        /// The reason of the operating system.
        source: Arc<io::Error>,
    },
    /// A file is not a valid model.
    Model {
        /// Name of the model.
        name: String,
        /// The reason.
        source: ModelError,
    },
    /// No model here has an id that begins with these digits.
    Unknown {
        /// First digits of a generation id.
        digits: String,
        /// The folder of the store, if there is one.
        folder: Option<PathBuf>,
    },
    /// Several models here have ids that begin with these digits.
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
            Self::File { path, source } if source.kind() == io::ErrorKind::NotFound => write!(
                f,
                "{}: there is no such model; give a file, '{DEFAULT}', or {MIN_ID_DIGITS} or more digits of the generation \
                 id of a model in the store",
                path.display()
            ),
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Model { name, source } => write!(f, "{name}: {source}"),
            Self::Unknown { digits, folder } => {
                write!(f, "no model here has a generation id that begins with {digits}; ")?;
                match folder {
                    Some(folder) => write!(f, "the store is {}", folder.display()),
                    None => f.write_str("there is no store"),
                }
            }
            Self::Ambiguous { digits, ids: [one, other] } => {
                write!(f, "{digits} is the beginning of two generation ids, {one} and {other}; give more digits")
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

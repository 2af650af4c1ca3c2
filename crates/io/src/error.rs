//! Errors of reading images, writing images, and writing files.

use std::path::PathBuf;
use std::{error, fmt, io};

/// Why an image was not read.
///
/// The texts begin with a verb ("is cut short", "has an alpha channel …"), to stand behind the name
/// of the file, except where the operating system's own text is passed on.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The operating system could not read the file.
    Io(io::Error),
    /// The file is damaged, cut short, or not what its first bytes say.
    Damaged(String),
    /// The file is sound but holds something that is not read; the text says how to convert it.
    Unsupported(String),
    /// There is not enough memory for the image.
    Memory,
    /// The library that reads the format panicked, with this message.
    Internal(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Damaged(text) | Self::Unsupported(text) => f.write_str(text),
            Self::Memory => f.write_str("does not fit in the memory of this machine"),
            Self::Internal(text) => write!(
                f,
                "made the image reader fail ({text}); the file is probably damaged, and this is a defect of the \
                 program: please report it with the file"
            ),
        }
    }
}

impl error::Error for ReadError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// Why an image was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// The format cannot hold the image; the text says which one can.
    Unsupported(String),
    /// The encoder of the format refused the image.
    Encoder(String),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(text) | Self::Encoder(text) => f.write_str(text),
        }
    }
}

impl error::Error for WriteError {}

/// Why a file was not written. The texts begin with the path.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// The file exists, and replacing it was not asked for.
    Exists(PathBuf),
    /// The path names a folder.
    Folder(PathBuf),
    /// The folder that the file would be in does not exist.
    NoFolder(PathBuf),
    /// The operating system could not write the file.
    Io {
        /// The file that was to be written.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(path) => write!(f, "{}: exists already", path.display()),
            Self::Folder(path) => write!(f, "{}: is a folder, not a file", path.display()),
            Self::NoFolder(path) => write!(f, "{}: cannot be written: its folder does not exist", path.display()),
            Self::Io { path, source } if source.kind() == io::ErrorKind::StorageFull => {
                write!(f, "{}: cannot be written: the disk is full", path.display())
            }
            Self::Io { path, source } => write!(f, "{}: cannot be written: {source}", path.display()),
        }
    }
}

impl error::Error for FileError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

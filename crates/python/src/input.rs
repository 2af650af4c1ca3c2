//! Files as they come from Python.

use std::borrow::Cow;
use std::fs::{self, File};
use std::path::PathBuf;

use heirloom::Seekable;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::errors::{self, Result};

/// A file in memory or on disk.
#[derive(FromPyObject)]
pub enum Input {
    /// The bytes of a file.
    #[pyo3(transparent, annotation = "bytes")]
    Bytes(PyBackedBytes),
    /// A path, as a string or anything with `__fspath__`.
    #[pyo3(transparent, annotation = "path")]
    Path(PathBuf),
}

impl Input {
    /// All bytes of the file.
    pub fn read(&self) -> Result<Cow<'_, [u8]>> {
        match self {
            Self::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::Path(path) => fs::read(path).map(Cow::Owned).map_err(|e| errors::io(path, e)),
        }
    }

    /// The file opened for reading in parts, if it is on disk.
    pub fn open(&self) -> Result<Option<Seekable<File>>> {
        match self {
            Self::Bytes(_) => Ok(None),
            Self::Path(path) => {
                let file = File::open(path).and_then(Seekable::new);
                file.map(Some).map_err(|e| errors::io(path, e))
            }
        }
    }
}

//! Where bytes come from and go to.

use std::fmt;
use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use heirloom_io::atomic::{self, Existing};
use heirloom_io::{FileId, Image, ReadImage, ReadOptions};

use crate::failure::Failure;

/// A file, or a standard stream, which is written as `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    Stdio,
    File(PathBuf),
}

impl Location {
    pub fn new(path: &Path) -> Self {
        if path.as_os_str() == "-" { Self::Stdio } else { Self::File(path.to_owned()) }
    }

    /// Reads all bytes of the file or of standard input.
    pub fn read(&self) -> Result<Vec<u8>, Failure> {
        let read = match self {
            Self::Stdio => {
                let mut bytes = Vec::new();
                io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
            }
            Self::File(path) => fs::read(path),
        };
        read.map_err(|e| {
            let text = match e.kind() {
                io::ErrorKind::IsADirectory => "is a folder, not a file".to_owned(),
                io::ErrorKind::NotFound => "there is no such file".to_owned(),
                _ => e.to_string(),
            };
            Failure::failed(text).about(self)
        })
    }

    /// Reads an image, and says what of the file is not in it.
    pub fn read_image_noting(&self, options: &ReadOptions) -> Result<ReadImage, Failure> {
        heirloom_io::read_noting(&self.read()?, options).map_err(|e| Failure::from(e).about(self))
    }

    /// Reads an image as it is stored.
    pub fn read_image(&self) -> Result<Image, Failure> {
        self.read_image_noting(&ReadOptions::default()).map(|read| read.image)
    }

    /// Refuses, before any work is done, what [`Location::write`] would refuse.
    pub fn check_writable(&self, force: bool) -> Result<(), Failure> {
        match self {
            Self::Stdio if io::stdout().is_terminal() => {
                Err(Failure::usage("refusing to write binary data to the terminal; redirect it, or give -o FILE"))
            }
            Self::Stdio => Ok(()),
            Self::File(path) => Ok(atomic::check(path, Existing::from_force(force))?),
        }
    }

    /// Writes everything or nothing. An existing file is replaced only with `force`.
    pub fn write(&self, bytes: &[u8], force: bool) -> Result<(), Failure> {
        self.check_writable(force)?;
        match self {
            Self::Stdio => {
                let mut out = io::stdout().lock();
                let written = out.write_all(bytes).and_then(|()| out.flush());
                written.map_err(|e| Failure::failed(format!("cannot be written: {e}")).about(self))
            }
            Self::File(path) => Ok(atomic::write(path, bytes, Existing::from_force(force))?),
        }
    }

    /// Identity of the file, where there is one.
    pub fn file_id(&self) -> Option<FileId> {
        match self {
            Self::Stdio => None,
            Self::File(path) => FileId::of(path),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdio => f.write_str("-"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

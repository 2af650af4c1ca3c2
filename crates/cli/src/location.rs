//! Where bytes come from and go to.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use heirloom_io::atomic::{self, Existing, Pending};
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

    /// Begins a file that is written part by part, and appears under its name when all is there.
    pub fn create(&self, force: bool) -> Result<Output, Failure> {
        self.check_writable(force)?;
        Ok(match self {
            Self::Stdio => Output::Stream(io::stdout()),
            Self::File(path) => Output::File(Pending::create(path, Existing::from_force(force))?),
        })
    }

    /// A temporary file without a name: where this file will be, since there is room for it, or else
    /// where the system has temporary files.
    pub fn spool(&self) -> Result<File, Failure> {
        let spool = match self {
            Self::Stdio => tempfile::tempfile(),
            Self::File(path) => {
                let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
                tempfile::tempfile_in(folder).or_else(|_| tempfile::tempfile())
            }
        };
        spool.map_err(|e| Failure::failed(format!("no temporary file can be made: {e}")).about(self))
    }

    /// Size of the file in bytes, 0 for a standard stream.
    pub fn size(&self) -> u64 {
        match self {
            Self::Stdio => 0,
            Self::File(path) => fs::metadata(path).map_or(0, |metadata| metadata.len()),
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

/// A file, or standard output, that is being written.
pub enum Output {
    Stream(io::Stdout),
    File(Pending),
}

impl Output {
    /// Gives the file its name.
    pub fn commit(self) -> Result<(), Failure> {
        match self {
            Self::Stream(mut stream) => {
                stream.flush().map_err(|e| Failure::failed(format!("-: cannot be written: {e}")))
            }
            Self::File(file) => Ok(file.commit()?),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stream(stream) => stream.write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stream(stream) => stream.flush(),
            Self::File(file) => file.flush(),
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

//! Where the bytes of a file come from.

use std::borrow::Cow;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

use super::ContainerError;

/// Bytes that can be read from any position: a slice in memory, or a file of which only what is
/// needed is read ([`Seekable`]).
pub trait Source: Sync {
    /// Number of bytes.
    fn length(&self) -> u64;

    /// The `length` bytes at a position; fewer, or none, only if the source ends before.
    ///
    /// # Errors
    /// [`ContainerError::Io`] if the bytes cannot be read.
    fn read_at(&self, position: u64, length: usize) -> Result<Cow<'_, [u8]>, ContainerError>;
}

fn within(position: u64, length: usize, end: u64) -> (u64, u64) {
    let begin = position.min(end);
    (begin, begin.saturating_add(length as u64).min(end))
}

impl Source for &[u8] {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, position: u64, length: usize) -> Result<Cow<'_, [u8]>, ContainerError> {
        // Both ends are at most the length of the slice.
        let (begin, end) = within(position, length, self.length());
        Ok(Cow::Borrowed(&self[begin as usize..end as usize]))
    }
}

impl Source for Vec<u8> {
    fn length(&self) -> u64 {
        self.as_slice().length()
    }

    fn read_at(&self, position: u64, length: usize) -> Result<Cow<'_, [u8]>, ContainerError> {
        let (begin, end) = within(position, length, self.length());
        Ok(Cow::Borrowed(&self[begin as usize..end as usize]))
    }
}

/// A file, or anything else that can be read and sought, as a [`Source`].
#[derive(Debug)]
pub struct Seekable<R> {
    reader: Mutex<R>,
    length: u64,
}

impl<R: Read + Seek> Seekable<R> {
    /// Finds the length of the stream.
    ///
    /// # Errors
    /// A stream that cannot be sought.
    pub fn new(mut reader: R) -> io::Result<Self> {
        let length = reader.seek(SeekFrom::End(0))?;
        Ok(Self { reader: Mutex::new(reader), length })
    }
}

impl<R: Read + Seek + Send> Source for Seekable<R> {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, position: u64, length: usize) -> Result<Cow<'_, [u8]>, ContainerError> {
        let (begin, end) = within(position, length, self.length);
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.seek(SeekFrom::Start(begin))?;
        let mut bytes = Vec::new();
        // Not more is allocated than there is, whatever the file says about itself.
        reader.by_ref().take(end - begin).read_to_end(&mut bytes)?;
        Ok(Cow::Owned(bytes))
    }
}

//! Errors that several formats share, with advice on what to do.

use crate::ReadError;

pub(super) fn damaged(text: &str) -> ReadError {
    ReadError::Damaged(text.into())
}

pub(super) fn unsupported(text: &str) -> ReadError {
    ReadError::Unsupported(text.into())
}

pub(crate) fn cut_short() -> ReadError {
    damaged("is cut short")
}

pub(super) fn too_large() -> ReadError {
    unsupported("is too large to read")
}

/// The error of a library that reads from memory: an unexpected end means that the file is cut
/// short.
pub(crate) fn from_memory(error: &std::io::Error) -> ReadError {
    if error.kind() == std::io::ErrorKind::UnexpectedEof { cut_short() } else { of_library(&error.to_string()) }
}

/// Damage in the words of a library.
pub(super) fn of_library(text: &str) -> ReadError {
    ReadError::Damaged(format!("is damaged: {}", text.trim_end_matches('.')))
}

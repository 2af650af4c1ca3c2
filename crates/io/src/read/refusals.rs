//! Errors that several formats share, with advice on what to do.

use crate::ReadError;

pub(super) fn damaged(text: &str) -> ReadError {
    ReadError::Damaged(text.into())
}

pub(super) fn unsupported(text: &str) -> ReadError {
    ReadError::Unsupported(text.into())
}

pub(super) fn animation() -> ReadError {
    unsupported("is an animation; extract a frame first, for example `magick 'IN[0]' OUT.png`")
}

pub(super) fn cmyk() -> ReadError {
    unsupported("has four colour components (CMYK); convert it first, for example `magick IN -colorspace sRGB OUT.png`")
}

pub(super) fn cut_short() -> ReadError {
    damaged("is cut short")
}

pub(super) fn too_large() -> ReadError {
    unsupported("is too large to read")
}

/// The error of a library that reads from memory: an unexpected end means that the file is cut
/// short.
pub(super) fn from_memory(error: &std::io::Error) -> ReadError {
    if error.kind() == std::io::ErrorKind::UnexpectedEof { cut_short() } else { damaged(&error.to_string()) }
}

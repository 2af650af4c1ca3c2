//! Failures as JavaScript sees them: a message, and a kind to decide by.

use heirloom::{Error, ErrorKind};

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// One of the names in [`kind_name`].
    pub kind: &'static str,
    /// What is wrong, where, and what can be done about it: the message of the command.
    pub message: String,
}

impl Failure {
    /// A parameter that cannot be.
    pub fn parameter(message: impl Into<String>) -> Self {
        Self { kind: kind_name(ErrorKind::BadParameter), message: message.into() }
    }

    /// Damage, or limits, that only the library which writes PNG could find.
    pub(crate) fn png(error: &png::EncodingError) -> Self {
        Self::parameter(format!("the image cannot be written as PNG: {error}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { kind: kind_name(error.kind()), message: error.to_string() }
    }
}

/// The name of a kind: `not-heirloom`, `unsupported`, `damaged`, `cut-short`, `unknown-model`, `over-limit`,
/// `bad-parameter`, `bad-model` or `failed`.
#[must_use]
pub fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotHeirloom => "not-heirloom",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::Damaged => "damaged",
        ErrorKind::CutShort => "cut-short",
        ErrorKind::UnknownModel => "unknown-model",
        ErrorKind::OverLimit => "over-limit",
        ErrorKind::BadParameter => "bad-parameter",
        ErrorKind::BadModel => "bad-model",
        _ => "failed",
    }
}

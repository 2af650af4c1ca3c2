//! Failures, and the exit status that each kind of them has.

use std::fmt;
use std::process::Termination;

use heirloom_io::{FileError, ReadError, WriteError};

/// The kind of a failure; its number is the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file could not be read or written, an internal error, or failures of several kinds.
    Failed = 1,
    /// The command line asks for something that cannot be done.
    Usage = 2,
    /// The file is sound but not supported, or needs a model that is not here.
    Unsupported = 3,
    /// The file is damaged, cut short, or not what it claims to be.
    Damaged = 4,
    /// A newer model does not decode an older one's files.
    NotDecodable = 5,
    /// A newer model decodes an older one's files, but makes their images worse.
    NotStable = 6,
}

/// Exit status of the command. Unlike the standard library's, its number can be read, which a caller
/// of [`crate::run`] needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitCode(u8);

impl ExitCode {
    /// Everything was done.
    pub const SUCCESS: Self = Self(0);
}

impl From<u8> for ExitCode {
    fn from(status: u8) -> Self {
        Self(status)
    }
}

impl From<ExitCode> for u8 {
    fn from(status: ExitCode) -> Self {
        status.0
    }
}

impl Termination for ExitCode {
    fn report(self) -> std::process::ExitCode {
        self.0.into()
    }
}

/// A failure, with a message that says what happened, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: Kind,
    pub message: String,
}

impl Failure {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(Kind::Unsupported, message)
    }

    pub fn damaged(message: impl Into<String>) -> Self {
        Self::new(Kind::Damaged, message)
    }

    /// Puts the name of the file or model in front of the message.
    pub fn about(self, name: impl fmt::Display) -> Self {
        Self { message: format!("{name}: {}", self.message), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let kind = match &error {
            ReadError::Damaged(_) => Kind::Damaged,
            ReadError::Unsupported(_) => Kind::Unsupported,
            _ => Kind::Failed,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        let kind = match &error {
            WriteError::Unsupported(_) => Kind::Unsupported,
            _ => Kind::Failed,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let what_to_do = if matches!(error, FileError::Exists(_)) { "; --force replaces it" } else { "" };
        Self::failed(format!("{error}{what_to_do}"))
    }
}

/// Exit status of a whole run: 0 without failures, that of the kind if all failures are of one
/// kind, else 1.
pub fn exit_code(failures: &[Kind]) -> ExitCode {
    match failures {
        [] => ExitCode::SUCCESS,
        [first, rest @ ..] if rest.iter().all(|k| k == first) => ExitCode::from(*first as u8),
        _ => ExitCode::from(Kind::Failed as u8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kind_keeps_its_status_and_several_become_one() {
        let status = |kinds: &[Kind]| format!("{:?}", exit_code(kinds));
        let expect = |n: u8| format!("{:?}", ExitCode::from(n));
        assert_eq!(status(&[]), expect(0));
        assert_eq!(status(&[Kind::Damaged]), expect(4));
        assert_eq!(status(&[Kind::Damaged, Kind::Damaged]), expect(4));
        assert_eq!(status(&[Kind::Damaged, Kind::Unsupported]), expect(1));
    }
}

//! The one error type of this crate.

use std::fmt;

use heirloom_codec::image::ImageError;
use heirloom_codec::model::{LambdaError, ModelError};
use heirloom_codec::{DecodeError, EncodeError, Fault};
use heirloom_format::container::ContainerError;

/// The result of everything that can fail here.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of error it is: whose fault, and what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a Heirloom file.
    NotHeirloom,
    /// A newer version of this crate may be able to do it.
    Unsupported,
    /// The file was altered after it was written.
    Damaged,
    /// The end of the file is missing.
    CutShort,
    /// The file needs a model that was not given.
    UnknownModel,
    /// The file or image asks for more memory or pixels than the caller allows.
    OverLimit,
    /// A parameter of the call or of the file is impossible.
    BadParameter,
    /// A model file is not usable.
    BadModel,
    /// Reading or writing failed.
    Io,
}

impl From<Fault> for ErrorKind {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotHeirloom => Self::NotHeirloom,
            Fault::Unsupported => Self::Unsupported,
            Fault::Damaged => Self::Damaged,
            Fault::CutShort => Self::CutShort,
            Fault::UnknownModel => Self::UnknownModel,
            Fault::OverLimit => Self::OverLimit,
            Fault::BadParameter => Self::BadParameter,
            Fault::Io => Self::Io,
        }
    }
}

/// Why an image was not encoded, a file not decoded, or a model not read.
///
/// The message (`Display`) says what is wrong, where, and what can be done about it.
#[derive(Clone, Debug)]
pub struct Error(Box<Cause>);

#[derive(Clone, Debug)]
enum Cause {
    Encode(EncodeError),
    Decode(DecodeError),
    Model(ModelError),
    Image(ImageError),
    Message(ErrorKind, String),
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Cause::Message(kind, message.into())))
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match &*self.0 {
            Cause::Encode(error) => match error {
                EncodeError::Memory { .. } => ErrorKind::OverLimit,
                EncodeError::Entropy(_) | EncodeError::NoEncoder | EncodeError::Model(_) => ErrorKind::BadModel,
                EncodeError::NoEffort => ErrorKind::Unsupported,
                EncodeError::Io { .. } => ErrorKind::Io,
                EncodeError::Image(ImageError::Unsupported { .. }) => ErrorKind::Unsupported,
                _ => ErrorKind::BadParameter,
            },
            Cause::Decode(error) => error.fault().into(),
            Cause::Model(error) => match error {
                ModelError::Version { .. } => ErrorKind::Unsupported,
                ModelError::TooLarge(_) => ErrorKind::OverLimit,
                _ => ErrorKind::BadModel,
            },
            Cause::Image(ImageError::Unsupported { .. }) => ErrorKind::Unsupported,
            Cause::Image(_) => ErrorKind::BadParameter,
            Cause::Message(kind, _) => *kind,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Cause::Encode(error) => error.fmt(f),
            Cause::Decode(error) => error.fmt(f),
            Cause::Model(error) => error.fmt(f),
            Cause::Image(error) => error.fmt(f),
            Cause::Message(_, message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Cause::Encode(error) => error.source(),
            Cause::Decode(error) => error.source(),
            Cause::Model(error) => error.source(),
            Cause::Image(error) => error.source(),
            Cause::Message(..) => None,
        }
    }
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Self(Box::new(Cause::Encode(error)))
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self(Box::new(Cause::Decode(error)))
    }
}

impl From<ModelError> for Error {
    fn from(error: ModelError) -> Self {
        Self(Box::new(Cause::Model(error)))
    }
}

impl From<ImageError> for Error {
    fn from(error: ImageError) -> Self {
        Self(Box::new(Cause::Image(error)))
    }
}

impl From<LambdaError> for Error {
    fn from(error: LambdaError) -> Self {
        EncodeError::Lambda(error).into()
    }
}

impl From<ContainerError> for Error {
    fn from(error: ContainerError) -> Self {
        DecodeError::Container(error).into()
    }
}

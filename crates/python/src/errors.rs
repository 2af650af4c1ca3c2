//! Errors of the library as exceptions of the package.

use heirloom::{Error, ErrorKind, ImageError};
use heirloom_format::container::ContainerError;
use heirloom_store::StoreError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// Why a call failed.
///
/// The exception is only made when the call returns: making it may let other threads of Python run, and locks
/// may be held where the failure comes up.
pub enum Failure {
    Heirloom(Error),
    /// Name of a class in `heirloom.errors`, and the message.
    Named(&'static str, String),
    Python(PyErr),
}

/// The result of everything that a call does.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// An exception of the package, by the name of its class in `heirloom.errors`.
    pub fn new(class: &'static str, message: impl Into<String>) -> Self {
        Self::Named(class, message.into())
    }

    /// An impossible argument.
    pub fn bad_parameter(message: impl Into<String>) -> Self {
        Self::new("BadParameterError", message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Heirloom(error)
    }
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        Self::Heirloom(error.into())
    }
}

impl From<ContainerError> for Failure {
    fn from(error: ContainerError) -> Self {
        Self::Heirloom(error.into())
    }
}

/// For errors that come from Python itself.
pub fn python(error: impl Into<PyErr>) -> Failure {
    Failure::Python(error.into())
}

/// For the errors of the model store.
pub fn store(error: &StoreError) -> Failure {
    let class = match error {
        StoreError::Model { .. } => "BadModelError",
        StoreError::Unknown { .. } => "UnknownModelError",
        StoreError::Ambiguous { .. } => "BadParameterError",
        _ => "HeirloomIOError",
    };
    Failure::new(class, error.to_string())
}

/// For a file that cannot be read.
pub fn io(path: &std::path::Path, error: std::io::Error) -> Failure {
    // Python's own classes, such as FileNotFoundError, with the name of the file.
    let Some(number) = error.raw_os_error() else {
        return Failure::new("HeirloomIOError", format!("{}: {error}", path.display()));
    };
    let arguments = (number, error.to_string(), path.to_owned());
    Failure::Python(pyo3::exceptions::PyOSError::new_err(arguments))
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        let (class, message) = match failure {
            Failure::Python(error) => return error,
            Failure::Heirloom(error) => (class(error.kind()), error.to_string()),
            Failure::Named(class, message) => (class, message),
        };
        Python::attach(|py| exception(py, class, message))
    }
}

/// The class of `heirloom.errors` that stands for a kind of error.
fn class(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotHeirloom => "NotHeirloomError",
        ErrorKind::Unsupported => "UnsupportedError",
        ErrorKind::Damaged => "DamagedError",
        ErrorKind::CutShort => "CutShortError",
        ErrorKind::UnknownModel => "UnknownModelError",
        ErrorKind::OverLimit => "OverLimitError",
        ErrorKind::BadParameter => "BadParameterError",
        ErrorKind::BadModel => "BadModelError",
        ErrorKind::Io => "HeirloomIOError",
        _ => "HeirloomError",
    }
}

fn exception(py: Python<'_>, class: &str, message: String) -> PyErr {
    let found = py.import("heirloom.errors").and_then(|module| module.getattr(class));
    match found.and_then(|class| Ok(class.cast_into::<PyType>()?)) {
        Ok(class) => PyErr::from_type(class, (message,)),
        // The package is not whole.
        Err(_) => PyRuntimeError::new_err(message),
    }
}

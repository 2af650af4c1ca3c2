//! Errors: a status, and a text for each thread.

use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use codec::{Error, ErrorKind, ImageError};
use heirloom_format::container::ContainerError;

/// What became of a call.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum heirloom_status {
    /// Everything was done.
    Ok = 0,
    /// The bytes are not a Heirloom file.
    NotHeirloom = 1,
    /// A newer version of this library may be able to do it.
    Unsupported = 2,
    /// The file was altered after it was written.
    Damaged = 3,
    /// The end of the file is missing.
    CutShort = 4,
    /// The file needs a model that was not given.
    UnknownModel = 5,
    /// The image needs more memory or pixels than is allowed.
    OverLimit = 6,
    /// A parameter of the call, or a value in the file, is impossible.
    BadParameter = 7,
    /// A model file is not usable.
    BadModel = 8,
    /// A defect of this library, or threads that could not be started.
    Internal = 9,
}

/// Why a call failed.
#[derive(Debug)]
pub struct Failure {
    pub status: heirloom_status,
    pub message: String,
}

/// The result of everything that a call does.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// An impossible parameter.
    pub fn bad_parameter(message: impl Into<String>) -> Self {
        Self { status: heirloom_status::BadParameter, message: message.into() }
    }

    /// A failure that is not the caller's.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { status: heirloom_status::Internal, message: message.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::NotHeirloom => heirloom_status::NotHeirloom,
            ErrorKind::Unsupported => heirloom_status::Unsupported,
            ErrorKind::Damaged => heirloom_status::Damaged,
            ErrorKind::CutShort => heirloom_status::CutShort,
            ErrorKind::UnknownModel => heirloom_status::UnknownModel,
            ErrorKind::OverLimit => heirloom_status::OverLimit,
            ErrorKind::BadParameter => heirloom_status::BadParameter,
            ErrorKind::BadModel => heirloom_status::BadModel,
            _ => heirloom_status::Internal,
        };
        Self { status, message: error.to_string() }
    }
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        Error::from(error).into()
    }
}

impl From<ContainerError> for Failure {
    fn from(error: ContainerError) -> Self {
        Error::from(error).into()
    }
}

thread_local! {
    static MESSAGE: RefCell<CString> = RefCell::default();
}

/// Keeps a text for `heirloom_last_error`, and returns the status.
pub fn report(failure: Failure) -> heirloom_status {
    let text: Vec<u8> = failure.message.into_bytes().into_iter().filter(|&byte| byte != 0).collect();
    // A thread that ends has no such text any more.
    let _ = MESSAGE.try_with(|message| *message.borrow_mut() = CString::new(text).unwrap_or_default());
    failure.status
}

/// Does the work of a call. A panic becomes a status: it must not cross over to C.
pub fn guard(work: impl FnOnce() -> Result<()>) -> heirloom_status {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => heirloom_status::Ok,
        Ok(Err(failure)) => report(failure),
        Err(payload) => report(Failure::internal(format!(
            "internal error ({}); this is a defect: please report it",
            text(&*payload)
        ))),
    }
}

fn text(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "without a message",
    }
}

/// What was wrong with this thread's last call that failed: what, where, and what can be done about it, in
/// UTF-8. An empty text before the first one. It is valid until the thread's next call that fails.
#[unsafe(no_mangle)]
pub extern "C" fn heirloom_last_error() -> *const c_char {
    MESSAGE.try_with(|message| message.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

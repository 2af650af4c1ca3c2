//! Pointers from C.

use crate::status::{Failure, Result};

/// The bytes at a pointer.
///
/// # Safety
/// `data` points to `size` bytes that nobody changes while the result is used, or is null.
pub unsafe fn bytes<'a>(data: *const u8, size: usize) -> Result<&'a [u8]> {
    match (data.is_null(), size) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Failure::bad_parameter("the pointer to the bytes is null, but their number is not 0")),
        (false, size) if isize::try_from(size).is_err() => Err(Failure::bad_parameter("there cannot be so many bytes")),
        // SAFETY: the caller promises the bytes, and they are not more than a slice may have.
        (false, size) => Ok(unsafe { std::slice::from_raw_parts(data, size) }),
    }
}

/// What a pointer points to.
///
/// # Safety
/// `pointer` points to a value that nobody changes while the result is used, or is null.
pub unsafe fn shared<'a, T>(pointer: *const T, name: &str) -> Result<&'a T> {
    // SAFETY: the caller promises the value.
    unsafe { pointer.as_ref() }.ok_or_else(|| Failure::bad_parameter(format!("the pointer '{name}' is null")))
}

/// What a pointer points to, to be changed.
///
/// # Safety
/// `pointer` points to a value that nobody else uses while the result is used, or is null.
pub unsafe fn unique<'a, T>(pointer: *mut T, name: &str) -> Result<&'a mut T> {
    // SAFETY: the caller promises the value.
    unsafe { pointer.as_mut() }.ok_or_else(|| Failure::bad_parameter(format!("the pointer '{name}' is null")))
}

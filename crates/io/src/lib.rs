//! Image files in and out, and files that are written whole or not at all.
//!
//! - [`read`] turns the bytes of a PNG, JPEG, WebP, TIFF, BMP or PNM file into an [`Image`] with
//!   its ICC profile, Exif and XMP. What the codec cannot represent exactly is refused unless
//!   [`ReadOptions`] asks for it by name, so that nothing is lost silently.
//! - [`write()`] turns an [`Image`] into the bytes of a PNG, JPEG or PNM file.
//! - [`atomic`] puts bytes on disk under a name that never refers to half a file.
//! - [`FileId`] tells whether two paths lead to the same file.
//!
//! ```
//! use heirloom_io::{Format, ReadError, ReadOptions, read, write};
//!
//! let image = read(b"P5 2 1 255 \x00\xff", &ReadOptions::default())?;
//! assert_eq!((image.width(), image.height(), image.data()), (2, 1, &[0, 255][..]));
//! let png = write(&image, Format::Png)?;
//! assert_eq!(read(&png.bytes, &ReadOptions::default())?, image);
//!
//! // Two samples of 16 bits are refused, or reduced to 8 bits when asked for.
//! let deep = b"P5 2 1 65535 \x00\x00\x80\x00";
//! assert!(matches!(read(deep, &ReadOptions::default()), Err(ReadError::Unsupported(_))));
//! assert_eq!(read(deep, &ReadOptions::reduce())?.data(), [0, 128]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod atomic;
mod error;
mod file_id;
mod format;
mod metadata;
mod read;
mod write;

pub use error::{FileError, ReadError, WriteError};
pub use file_id::FileId;
pub use format::{EXTENSIONS, Format};
pub use heirloom_codec::image::{Image, Metadata, PixelFormat};
pub use read::{Alpha, Depth, ReadOptions, read, read_file};
pub use write::{Written, write, write_jpeg};

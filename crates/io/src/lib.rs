//! Image files in and out, and files that are written whole or not at all.
//!
//! - [`read`] turns the bytes of a PNG, JPEG, WebP, TIFF, GIF, BMP, QOI, TGA, PNM or JPEG XL file
//!   into an [`Image`] with its ICC profile, Exif and XMP. [`read_noting`] also says what of the
//!   file is not in the image; [`ReadOptions::strict`] refuses such files.
//! - [`write()`] turns an [`Image`] into the bytes of a PNG, JPEG, WebP, TIFF, PNM or QOI file.
//! - [`RowReader`] and [`RowWriter`] do both row by row, for images that do not fit in memory.
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
//! // Two samples of 16 bits are kept, or reduced to 8 bits when asked for.
//! let deep = b"P5 2 1 65535 \x00\x00\x80\x00";
//! assert_eq!(read(deep, &ReadOptions::default())?.samples().as_u16(), Some(&[0, 0x8000][..]));
//! assert_eq!(read(deep, &ReadOptions::reduce())?.data(), [0, 128]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod atomic;
mod error;
mod exif;
mod file_id;
mod format;
mod metadata;
mod orientation;
mod profile;
mod read;
mod rows;
mod write;

pub use error::{FileError, ReadError, WriteError};
pub use file_id::FileId;
pub use format::{EXTENSIONS, Format};
pub use heirloom_codec::image::{Cicp, Image, Metadata, PixelFormat, Resolution, Samples};
pub use orientation::upright;
pub use read::{Alpha, Depth, ReadImage, ReadOptions, Strip, read, read_file, read_noting};
pub use rows::{RowReader, RowWriter};
pub use write::{WriteOptions, Written, write, write_with};

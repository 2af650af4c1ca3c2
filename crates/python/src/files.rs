//! Image files in memory, read and written as by the command.

use std::path::Path;

use heirloom_io::{EXTENSIONS, Format, ReadError, ReadImage, ReadOptions, WriteError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use crate::coding::{Decoding, Encoding};
use crate::errors::{Failure, Result};
use crate::input::Input;
use crate::pool::Pool;

/// The bytes of a file, width and height of its image, and what was not kept.
type Converted = (Py<PyBytes>, (u32, u32), Vec<String>);

/// Encodes an image file (PNG, JPEG and so on). Its metadata is kept.
#[pyfunction]
pub fn encode_file(py: Python<'_>, data: PyBackedBytes, encoding: Encoding<'_>, strict: bool) -> Result<Converted> {
    let pool = Pool::get(py)?;
    let encoder = encoding.encoder(&pool)?;
    let mut options = ReadOptions::default();
    options.strict = strict;
    let work = || {
        let ReadImage { image, notes } = heirloom_io::read_noting(&data, &options)?;
        Ok::<_, Failure>((encoder.encode(&image)?, (image.width(), image.height()), notes))
    };
    let (bytes, size, notes) = py.detach(|| pool.run(work))?;
    Ok((PyBytes::new(py, &bytes).unbind(), size, notes))
}

/// Decodes into an image file of a format, which is named by a file extension.
#[pyfunction]
pub fn decode_file(py: Python<'_>, data: PyBackedBytes, decoding: Decoding<'_>, extension: &str) -> Result<Converted> {
    let unknown = || {
        Failure::bad_parameter(format!("images are not written as '{extension}'; use png, jpg, webp, tif, ppm or qoi"))
    };
    let format = Format::from_path(Path::new(&format!("a.{extension}"))).ok_or_else(unknown)?;
    let (image, problem) = decoding.run(py, &Input::Bytes(data))?;
    let written = py.detach(|| heirloom_io::write(&image, format))?;
    let notes = problem.into_iter().chain(written.lost).collect();
    Ok((PyBytes::new(py, &written.bytes).unbind(), (image.width(), image.height()), notes))
}

/// Extensions, in lower case and without a dot, of the image files that are read.
#[pyfunction]
pub fn extensions() -> Vec<&'static str> {
    EXTENSIONS.to_vec()
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let class = match error {
            ReadError::Damaged(_) => "DamagedError",
            ReadError::Unsupported(_) => "UnsupportedError",
            ReadError::Memory => "OverLimitError",
            ReadError::Io(_) => "HeirloomIOError",
            _ => "HeirloomError",
        };
        // The message of the library stands behind a name.
        Self::new(class, format!("the image {error}"))
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        let class = if matches!(error, WriteError::Unsupported(_)) { "UnsupportedError" } else { "HeirloomError" };
        Self::new(class, error.to_string())
    }
}

//! What a file says about itself.

use heirloom_format::container::{Head, Limits};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::errors::Result;
use crate::input::Input;

/// What a file says about itself, without its pixels.
#[pyclass(frozen, module = "heirloom")]
pub struct Info {
    pub inner: heirloom::Info,
}

/// What stands before the pixels of a file: width, height, channels, bits, ICC profile, Exif and XMP.
type HeadParts = (u32, u32, usize, u32, Option<Py<PyBytes>>, Option<Py<PyBytes>>, Option<Py<PyBytes>>);

/// Reads what a file says about itself and verifies its checksums.
#[pyfunction]
pub fn info(py: Python<'_>, input: Input) -> Result<Info> {
    Ok(Info { inner: py.detach(|| Ok::<_, crate::errors::Failure>(heirloom::info(&input.read()?)?))? })
}

/// Reads what stands before the pixels. Of a damaged file, metadata that is not whole is left out.
#[pyfunction]
pub fn head(py: Python<'_>, data: &[u8]) -> Result<HeadParts> {
    let head = Head::read(&data, &Limits::default())?;
    let format = head.header.pixel_format;
    let blob = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| PyBytes::new(py, bytes).unbind());
    let metadata = &head.metadata;
    let blobs = (blob(&metadata.icc), blob(&metadata.exif), blob(&metadata.xmp));
    let size = (head.header.width, head.header.height);
    Ok((size.0, size.1, format.channels(), format.bits(), blobs.0, blobs.1, blobs.2))
}

fn blob<'py>(py: Python<'py>, bytes: &Option<Vec<u8>>) -> Option<Bound<'py, PyBytes>> {
    bytes.as_ref().map(|bytes| PyBytes::new(py, bytes))
}

#[pymethods]
impl Info {
    /// Width in pixels.
    #[getter]
    fn width(&self) -> u32 {
        self.inner.width
    }

    /// Height in pixels.
    #[getter]
    fn height(&self) -> u32 {
        self.inner.height
    }

    /// Number of channels, 1 to 4: grey, grey and alpha, RGB, RGB and alpha.
    #[getter]
    fn channels(&self) -> usize {
        self.inner.pixel_format.channels()
    }

    /// Shape of the decoded array: (height, width), or (height, width, channels) if there are several.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let (height, width) = (self.inner.height as usize, self.inner.width as usize);
        match self.channels() {
            1 => (height, width).into_pyobject(py),
            channels => (height, width, channels).into_pyobject(py),
        }
    }

    /// Name of the decoded array's dtype: "uint8" or "uint16".
    #[getter]
    fn dtype(&self) -> &'static str {
        if self.inner.pixel_format.bits() == 8 { "uint8" } else { "uint16" }
    }

    /// Name of the pixel format, as in the output of the command's `info --json`.
    #[getter]
    fn pixel_format(&self) -> &'static str {
        self.inner.pixel_format.name()
    }

    /// The λ that the image was encoded with.
    #[getter]
    fn lam(&self) -> f32 {
        self.inner.lambda
    }

    /// The first 16 hexadecimal digits of the entropy id, which names the lineage that decodes the file.
    #[getter]
    fn entropy_id(&self) -> String {
        heirloom_store::hex(&self.inner.entropy_id)
    }

    /// Number of the generation that wrote the file.
    #[getter]
    fn generation(&self) -> u32 {
        self.inner.generation
    }

    /// The first 8 hexadecimal digits of the id of that generation.
    #[getter]
    fn generation_id(&self) -> String {
        heirloom_store::hex(&self.inner.generation_id)
    }

    /// ICC profile, or None.
    #[getter]
    fn icc<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        blob(py, &self.inner.metadata.icc)
    }

    /// Exif: a TIFF structure, or None.
    #[getter]
    fn exif<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        blob(py, &self.inner.metadata.exif)
    }

    /// XMP packet, or None.
    #[getter]
    fn xmp<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        blob(py, &self.inner.metadata.xmp)
    }

    /// Number of tiles.
    #[getter]
    fn tiles(&self) -> usize {
        self.inner.tiles.len()
    }

    /// Number of tiles whose colour is stored without loss.
    #[getter]
    fn lossless_tiles(&self) -> usize {
        self.inner.lossless_tiles()
    }

    /// Size of the file in bytes.
    #[getter]
    fn file_bytes(&self) -> usize {
        self.inner.file_bytes
    }

    /// Bits of the file for each pixel.
    #[getter]
    fn bits_per_pixel(&self) -> f64 {
        self.inner.bits_per_pixel()
    }

    fn __repr__(&self) -> String {
        let inner = &self.inner;
        format!(
            "<heirloom.Info: {} × {} {}, {} bytes, λ {}>",
            inner.width,
            inner.height,
            inner.pixel_format.name(),
            inner.file_bytes,
            inner.lambda
        )
    }
}

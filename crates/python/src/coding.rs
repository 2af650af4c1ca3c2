//! Encoding and decoding.

use std::path::PathBuf;

use heirloom::{Decoder, EncodeOptions, Encoder, Image, Lossless, Metadata, PixelFormat, Rect, Samples, Scale};
use heirloom_format::container::{Head, Header, Limits, parse_header};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes};

use crate::errors::{Failure, Result};
use crate::input::Input;
use crate::models::{self, Model};
use crate::pool::Pool;

/// How to encode: what `heirloom.encode` takes. Of the first four one is given.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Encoding<'py> {
    quality: Option<f32>,
    lam: Option<f32>,
    target_size: Option<u64>,
    target_psnr: Option<f64>,
    lossless: Option<bool>,
    effort: u8,
    max_memory: Option<u64>,
    model: Option<Bound<'py, Model>>,
    icc: Option<PyBackedBytes>,
    exif: Option<PyBackedBytes>,
    xmp: Option<PyBackedBytes>,
}

/// How to decode: what `heirloom.decode` takes.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Decoding<'py> {
    /// x, y, width, height.
    crop: Option<(u32, u32, u32, u32)>,
    /// Pixels of the image for one of the result, in each direction.
    divisor: u32,
    quick: bool,
    partial: bool,
    exact: bool,
    max_memory: Option<u64>,
    model: Option<Bound<'py, Model>>,
}

impl Encoding<'_> {
    fn options(&self) -> Result<EncodeOptions> {
        let mut options = match (self.quality, self.lam, self.target_size, self.target_psnr) {
            (Some(quality), None, None, None) => EncodeOptions::quality(quality),
            (None, Some(lambda), None, None) => EncodeOptions::lambda(lambda),
            (None, None, Some(bytes), None) => EncodeOptions::target_size(bytes),
            (None, None, None, Some(psnr)) => EncodeOptions::target_psnr(psnr),
            _ => {
                let message = "`lam`, `target_size` and `target_psnr` exclude each other; give one, or a quality";
                return Err(Failure::bad_parameter(message));
            }
        };
        options = match self.lossless {
            // Without loss in what nobody sees, too.
            Some(true) => options.with_lossless(Lossless::Always).with_hidden_colour(true),
            Some(false) => options.with_lossless(Lossless::Never),
            None => options,
        };
        options = options.with_effort(self.effort);
        Ok(self.max_memory.map_or(options, |bytes| options.with_max_memory(bytes)))
    }

    fn metadata(&self) -> Metadata {
        let owned = |bytes: &Option<PyBackedBytes>| bytes.as_ref().map(|bytes| bytes.to_vec());
        let mut metadata = Metadata::default();
        (metadata.icc, metadata.exif, metadata.xmp) = (owned(&self.icc), owned(&self.exif), owned(&self.xmp));
        metadata
    }

    /// The encoder of these options.
    pub fn encoder(&self, pool: &Pool) -> Result<Encoder> {
        let model = match &self.model {
            Some(model) => model.get().inner.clone(),
            None => models::embedded(pool)?,
        };
        Ok(Encoder::with_model(model).options(self.options()?))
    }

    fn run(&self, py: Python<'_>, mut image: Image) -> Result<Py<PyBytes>> {
        let pool = Pool::get(py)?;
        let encoder = self.encoder(&pool)?;
        image.metadata = self.metadata();
        let bytes = py.detach(|| pool.run(|| encoder.encode(&image)))?;
        Ok(PyBytes::new(py, &bytes).unbind())
    }
}

/// Encodes pixels without gaps, of 8 bits, or of 16 bits in this machine's byte order.
#[pyfunction]
pub fn encode(
    py: Python<'_>,
    pixels: PyBackedBytes,
    size: (u32, u32),
    channels: usize,
    bits: u32,
    encoding: Encoding<'_>,
) -> Result<Py<PyBytes>> {
    let samples = match bits {
        16 => Samples::U16(pixels.as_chunks().0.iter().map(|&pair| u16::from_ne_bytes(pair)).collect()),
        _ => Samples::U8(pixels.to_vec()),
    };
    let format = PixelFormat::ALL.into_iter().find(|f| (f.channels(), f.bits()) == (channels, bits));
    let unknown = || Failure::bad_parameter(format!("there are no images of {channels} channels of {bits} bits"));
    encoding.run(py, Image::from_samples(size.0, size.1, format.ok_or_else(unknown)?, samples)?)
}

impl Decoding<'_> {
    fn scale(&self) -> Result<Scale> {
        let scales = [Scale::Full, Scale::Half, Scale::Quarter, Scale::Eighth, Scale::Sixteenth];
        let found = scales.into_iter().find(|scale| scale.divisor() == self.divisor);
        found.ok_or_else(|| Failure::bad_parameter("there are no scales but 1, 1/2, 1/4, 1/8 and 1/16"))
    }

    fn decoder(&self, header: &Header, pool: &Pool) -> Result<Decoder> {
        let mut decoder = match &self.model {
            Some(model) => Decoder::with_model(model.get().inner.clone()),
            None => models::decoder(header, pool)?,
        };
        if let Some((x, y, width, height)) = self.crop {
            decoder = decoder.crop(Rect { x, y, width, height });
        }
        if let Some(bytes) = self.max_memory {
            // Who gives a limit for memory wants no other one for pixels.
            decoder = decoder.max_memory(bytes).max_pixels(u64::MAX);
        }
        Ok(decoder.scale(self.scale()?).quick(self.quick).exact(self.exact))
    }

    /// The image, and what is wrong with the file if only a part of it could be decoded.
    pub fn run(&self, py: Python<'_>, input: &Input) -> Result<(Image, Option<String>)> {
        let pool = Pool::get(py)?;
        // Of a crop only its tiles are read.
        if let (Some(_), false, Some(file)) = (self.crop, self.partial, input.open()?) {
            let decoder = self.decoder(&Head::read(&file, &Limits::none())?.header, &pool)?;
            return Ok((py.detach(|| pool.run(|| decoder.decode_from(&file)))?, None));
        }
        let bytes = py.detach(|| input.read())?;
        let decoder = self.decoder(&parse_header(&bytes, &Limits::none())?.0, &pool)?;
        if !self.partial {
            return Ok((py.detach(|| pool.run(|| decoder.decode(&bytes)))?, None));
        }
        let partial = py.detach(|| pool.run(|| decoder.decode_partial(&bytes)))?;
        let problem = partial.problem.map(|problem| match partial.tiles {
            1 => format!("{} of 4 latents are whole: {problem}", partial.latents),
            tiles => format!("{} of {tiles} tiles are damaged: {problem}", partial.damaged_tiles),
        });
        Ok((partial.image, problem))
    }
}

/// Reads options, and does nothing with them.
///
/// Python strings for their names, and the class of paths, are made when they are first needed, and
/// other threads may run meanwhile: a process forked then would leave its child to wait for ever. This
/// is therefore called while the package is imported.
#[pyfunction]
pub fn prepare(encoding: Encoding<'_>, decoding: Decoding<'_>) -> PathBuf {
    drop((encoding, decoding));
    PathBuf::new()
}

/// What was decoded: pixels, width and height, number of channels, bits, and what is wrong with the file.
type Decoded = (Py<PyByteArray>, (u32, u32), usize, u32, Option<String>);

/// Decodes into pixels without gaps, of 8 bits, or of 16 bits in this machine's byte order. With
/// `eight_bits`, deeper ones are rounded.
#[pyfunction]
pub fn decode(py: Python<'_>, input: Input, decoding: Decoding<'_>, eight_bits: bool) -> Result<Decoded> {
    let (image, problem) = decoding.run(py, &input)?;
    let (size, format) = ((image.width(), image.height()), image.format());
    let (pixels, bits) = match eight_bits {
        true => (PyByteArray::new(py, &image.samples().to_u8()), 8),
        false => (PyByteArray::new(py, image.data()), format.bits()),
    };
    Ok((pixels.unbind(), size, format.channels(), bits, problem))
}

//! JPEG, read by the library `libjpeg-turbo-rs`, and what that refuses by `jpeg-decoder`.

mod complete;
mod segments;

use heirloom_codec::image::{Image, Metadata, Resolution, Samples};
use libjpeg_turbo_rs::{ColorSpace, DecodeLimits, DecodeWarning, Decoder, JpegError, PixelFormat};

use self::segments::{Frame, Segments};
use super::reading::{Reading, image};
use super::refusals::{cut_short, damaged, of_library, too_large};
use crate::{ReadError, profile};

/// Most scans of a file; a progressive file has about ten.
const MAX_SCANS: usize = 1000;

/// Reads the first image of a JPEG file: grey, YCbCr, RGB, CMYK or YCCK, of 8, 12 or 16 bits.
pub(super) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Result<Image, ReadError> {
    reading.frame(1, "images")?;
    let segments = Segments::read(bytes);
    let Some(frame) = &segments.frame else {
        return Err(if segments.ended { damaged("is a JPEG file without an image") } else { cut_short() });
    };
    let bytes_per_sample = if frame.bits > 8 { 2 } else { 1 };
    reading.count(frame.width.into(), u32::from(frame.height).max(1), frame.components(), bytes_per_sample)?;
    let (size, channels, samples) = decode(bytes, frame, &segments, reading)?;
    for dropped in &segments.dropped {
        reading.note(format!("{dropped} was left out"));
    }
    let mut metadata = metadata(&segments);
    let samples = match samples {
        Samples::U8(inks) if channels == 4 => {
            let (rgb, by_profile) = profile::cmyk_to_srgb(&inks, metadata.icc.as_deref());
            reading.note(profile::cmyk_note(by_profile));
            metadata.icc = None;
            Samples::U8(rgb)
        }
        samples => samples,
    };
    image(size, if channels == 1 { 1 } else { 3 }, false, samples, metadata)
}

/// Size, channels and samples; of four channels as inks, 0 for none.
type Decoded = ((u32, u32), usize, Samples);

fn decode(
    bytes: &[u8],
    frame: &Frame,
    segments: &Segments<'_>,
    reading: &mut Reading<'_>,
) -> Result<Decoded, ReadError> {
    let partly_interleaved =
        frame.code < 0xc2 && segments.scans.len() > 1 && segments.scans.iter().any(|components| *components > 1);
    let is_odd = frame.is_lossless() || frame.has_fine_chroma() || partly_interleaved;
    if frame.bits == 12 && !frame.is_lossless() {
        return twelve_bits(bytes, reading);
    }
    if !is_odd && frame.components() != 4 {
        return usual(bytes, reading);
    }
    if frame.code > 0xc8 {
        // Arithmetic coding of such files: the coefficients are written anew with Huffman codes.
        let coefficients = libjpeg_turbo_rs::read_coefficients(bytes).map_err(refusal)?;
        return other(&libjpeg_turbo_rs::write_coefficients(&coefficients).map_err(refusal)?);
    }
    // jpeg-decoder fills up what ends too early. Of progressive files, reading the coefficients finds
    // that.
    let is_short = match frame.code {
        0xc2 => matches!(libjpeg_turbo_rs::read_coefficients(bytes), Err(JpegError::UnexpectedEof)),
        _ => !complete::is_complete(bytes, frame),
    };
    if is_short {
        reading.tolerate(cut_short())?;
    }
    other(bytes)
}

fn limits(reading: &Reading<'_>) -> DecodeLimits {
    DecodeLimits {
        max_width: 65535,
        max_height: 65535,
        max_scans: MAX_SCANS,
        max_memory: Some(reading.options.max_bytes.saturating_mul(4)),
        ..DecodeLimits::default()
    }
}

fn usual(bytes: &[u8], reading: &mut Reading<'_>) -> Result<Decoded, ReadError> {
    let ended;
    let mut decoder = match Decoder::new_with_limits(bytes, limits(reading)) {
        Ok(decoder) => decoder,
        Err(error) => {
            reading.tolerate(refusal(error))?;
            // A header that is cut short can be read when the file has an end.
            ended = [bytes, &[0xff, 0xd9]].concat();
            Decoder::new_with_limits(&ended, limits(reading)).map_err(refusal)?
        }
    };
    let grey = decoder.jpeg_color_space() == ColorSpace::Grayscale;
    decoder.set_output_format(if grey { PixelFormat::Grayscale } else { PixelFormat::Rgb });
    let decoded = match decoder.decode_image() {
        Ok(decoded) => decoded,
        Err(error) => {
            reading.tolerate(refusal(error))?;
            decoder.set_lenient(true);
            decoder.decode_image().map_err(refusal)?
        }
    };
    let worst = decoded.warnings.iter().find(|w| !matches!(w, DecodeWarning::ExtraneousData { .. }));
    if let Some(warning) = worst {
        reading.tolerate(of_library(&warning.to_string()))?;
    }
    let size = (decoded.width as u32, decoded.height as u32);
    Ok((size, if grey { 1 } else { 3 }, Samples::U8(decoded.data)))
}

fn twelve_bits(bytes: &[u8], reading: &mut Reading<'_>) -> Result<Decoded, ReadError> {
    let decoded = match libjpeg_turbo_rs::decompress_12bit_with_limits(bytes, &limits(reading)) {
        Ok(decoded) => decoded,
        Err(error) => {
            reading.tolerate(refusal(error))?;
            libjpeg_turbo_rs::precision::decompress_12bit_lenient(bytes).map_err(refusal)?.0
        }
    };
    let to_16_bits = |v: i16| ((u32::from(v.clamp(0, 4095) as u16) * 65535 + 2047) / 4095) as u16;
    let samples = decoded.data.iter().map(|&v| to_16_bits(v)).collect();
    Ok(((decoded.width as u32, decoded.height as u32), decoded.num_components, Samples::U16(samples)))
}

/// Files with chroma finer than luma, of four components, of scans of some components, and lossless
/// ones.
fn other(bytes: &[u8]) -> Result<Decoded, ReadError> {
    use jpeg_decoder::{Decoder, Error, PixelFormat};
    let mut decoder = Decoder::new(bytes);
    let samples = decoder.decode().map_err(|error| match error {
        Error::Unsupported(what) => {
            ReadError::Unsupported(format!("is a JPEG file of a kind that is not read: {what:?}"))
        }
        Error::Io(_) => cut_short(),
        error => of_library(&error.to_string()),
    })?;
    let info = decoder.info().ok_or_else(|| damaged("is a JPEG file without an image"))?;
    let size = (info.width.into(), info.height.into());
    Ok(match info.pixel_format {
        PixelFormat::L8 => (size, 1, Samples::U8(samples)),
        PixelFormat::RGB24 => (size, 3, Samples::U8(samples)),
        PixelFormat::CMYK32 => (size, 4, Samples::U8(samples)),
        PixelFormat::L16 => {
            let samples = samples.as_chunks::<2>().0.iter().map(|&two| u16::from_ne_bytes(two)).collect();
            (size, 1, Samples::U16(samples))
        }
    })
}

fn metadata(segments: &Segments<'_>) -> Metadata {
    Metadata {
        icc: segments.icc(),
        exif: segments.exif.clone(),
        xmp: segments.xmp.map(<[u8]>::to_vec),
        resolution: segments.density.and_then(resolution),
        ..Metadata::default()
    }
}

/// The resolution of a JFIF segment: unit (0 = none, 1 = inch, 2 = centimetre) and pixels per unit.
/// 72 pixels per inch, and square pixels, are what no resolution means.
fn resolution((unit, x, y): (u8, u16, u16)) -> Option<Resolution> {
    let metres = match unit {
        0 if x != y => None,
        1 if (x, y) != (72, 72) => Some(0.0254),
        2 => Some(0.01),
        _ => return None,
    };
    let scaled = |v: u16| metres.map_or(v.into(), |metres| (f64::from(v) / metres).round() as u32);
    (x > 0 && y > 0).then(|| Resolution { x: scaled(x), y: scaled(y), per_metre: metres.is_some() })
}

fn refusal(error: JpegError) -> ReadError {
    match error {
        JpegError::UnexpectedEof => cut_short(),
        JpegError::Unsupported(what) => {
            ReadError::Unsupported(format!("is a JPEG file of a kind that is not read: {what}"))
        }
        JpegError::LimitExceeded { .. } => too_large(),
        JpegError::AllocationFailed { .. } => ReadError::Memory,
        error => of_library(&error.to_string()),
    }
}

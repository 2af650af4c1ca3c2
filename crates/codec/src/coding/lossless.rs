//! Pixels without loss, as PNG or WebP streams.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::image::{Image, ImageError, PixelFormat, Samples};

/// The first bytes of a PNG stream. Anything else is read as WebP.
const PNG: &[u8] = b"\x89PNG";

/// Longest side that a WebP stream may have.
const WEBP_SIDE: u32 = 16_383;

/// Effort of the thorough WebP encoder, of 0 to 9: it makes files a tenth larger than libwebp's. Those
/// of 7 are as small, but an image of 384 × 384 takes two minutes; 5 and 6 take twice as long for 1 to
/// 3 % of the size.
const EFFORT: u8 = 4;

/// Tries how small an image without alpha becomes, with little effort: an upper bound of what
/// [`encode`] needs, and rarely more than four times as much.
pub(super) fn quick_bytes(image: &Image) -> Option<usize> {
    png(image, png::Compression::Fast, png::Filter::Up).map(|bytes| bytes.len())
}

/// The smallest stream of an image without alpha; perhaps none if it would be longer than the limit.
///
/// Photographs and graphics are told apart by two quick encoders of which each is good at one of
/// them. The thorough one would take half a minute for a megapixel of a photograph.
pub(super) fn encode(image: &Image, limit: usize) -> Option<Vec<u8>> {
    let plain = png(image, png::Compression::High, png::Filter::NoFilter);
    let Some(quick) = quick_webp(image) else {
        let filtered = png(image, png::Compression::High, png::Filter::Adaptive);
        return [plain, filtered].into_iter().flatten().min_by_key(Vec::len);
    };
    let plain_bytes = plain.as_ref().map_or(usize::MAX, Vec::len);
    let is_graphic = plain_bytes < quick.len();
    // What the slow encoder may save: up to three quarters of a graphic, a tenth of a photograph.
    let least = if is_graphic { plain_bytes / 4 } else { quick.len() / 10 * 9 };
    if least > limit {
        return None;
    }
    let other =
        if is_graphic { thorough_webp(image) } else { png(image, png::Compression::High, png::Filter::Adaptive) };
    [plain, Some(quick), other].into_iter().flatten().min_by_key(Vec::len)
}

/// The smallest PNG stream of an image without alpha: for alpha channels, which FORMAT.md keeps in
/// one format.
pub(super) fn encode_png(image: &Image) -> Option<Vec<u8>> {
    let streams =
        [png::Filter::NoFilter, png::Filter::Adaptive].map(|filter| png(image, png::Compression::High, filter));
    streams.into_iter().flatten().min_by_key(Vec::len)
}

fn png(image: &Image, compression: png::Compression, filter: png::Filter) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, image.width(), image.height());
    encoder.set_color(color_type(image.format())?);
    encoder.set_compression(compression);
    encoder.set_filter(filter);
    let mut bytes = Vec::new();
    let data = match image.samples() {
        Samples::U8(data) => data,
        Samples::U16(data) => {
            encoder.set_depth(png::BitDepth::Sixteen);
            bytes.extend(data.iter().flat_map(|value| value.to_be_bytes()));
            &bytes
        }
    };
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(data).ok()?;
    writer.finish().ok()?;
    Some(out)
}

fn color_type(format: PixelFormat) -> Option<png::ColorType> {
    match (format.has_alpha(), format.is_grey()) {
        (false, true) => Some(png::ColorType::Grayscale),
        (false, false) => Some(png::ColorType::Rgb),
        _ => None,
    }
}

/// A WebP stream of 8 bits by an encoder without references to earlier pixels.
fn quick_webp(image: &Image) -> Option<Vec<u8>> {
    let samples = image.samples().as_u8().filter(|_| image.width().max(image.height()) <= WEBP_SIDE)?;
    let mut out = Vec::new();
    let color = if image.format().is_grey() { image_webp::ColorType::L8 } else { image_webp::ColorType::Rgb8 };
    image_webp::WebPEncoder::new(&mut out).encode(samples, image.width(), image.height(), color).ok()?;
    Some(out)
}

/// A WebP stream of 8 bits by an encoder that finds repetitions. It is young, so that its output is
/// used only if the decoder, which is another library, reads the same pixels from it.
fn thorough_webp(image: &Image) -> Option<Vec<u8>> {
    image.samples().as_u8().filter(|_| image.width().max(image.height()) <= WEBP_SIDE)?;
    let rgba: Vec<u8> = image.to_rgb().chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255]).collect();
    let (width, height) = (image.width() as usize, image.height() as usize);
    let config = webp_rust::encoder::LosslessEncodingConfig { z_level: EFFORT };
    let encode = || webp_rust::encoder::encode_lossless_rgba_to_webp_with_config(width, height, &rgba, &config);
    let bytes = catch_unwind(AssertUnwindSafe(encode)).ok()?.ok()?;
    let decoded = decode(&bytes, image.width(), image.height(), image.format()).ok()?;
    (decoded.samples() == image.samples()).then_some(bytes)
}

/// Decodes a stream into an image of a given size and format without alpha.
///
/// # Errors
/// A stream that is damaged, or of another size or kind.
pub(super) fn decode(bytes: &[u8], width: u32, height: u32, format: PixelFormat) -> Result<Image, StreamError> {
    if bytes.starts_with(PNG) {
        decode_png(bytes, width, height, format)
    } else {
        decode_webp(bytes, width, height, format)
    }
}

/// Why a lossless stream cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamError(pub(super) String);

impl std::fmt::Display for StreamError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StreamError {}

fn other_image() -> StreamError {
    StreamError("its stream has another size or kind of pixels than the file says".into())
}

pub(super) fn decode_png(bytes: &[u8], width: u32, height: u32, format: PixelFormat) -> Result<Image, StreamError> {
    let failed = |error: png::DecodingError| StreamError(format!("its PNG stream is damaged: {error}"));
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::IDENTITY);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(failed)?;
    let info = reader.info();
    let depth = if format.bits() == 8 { png::BitDepth::Eight } else { png::BitDepth::Sixteen };
    if (info.width, info.height, info.bit_depth, Some(info.color_type)) != (width, height, depth, color_type(format)) {
        return Err(other_image());
    }
    let mut data = vec![0; reader.output_buffer_size().ok_or_else(other_image)?];
    reader.next_frame(&mut data).map_err(failed)?;
    let samples = if format.bits() == 8 {
        Samples::U8(data)
    } else {
        Samples::U16(data.as_chunks::<2>().0.iter().map(|&pair| u16::from_be_bytes(pair)).collect())
    };
    Image::from_samples(width, height, format, samples).map_err(of_image)
}

fn decode_webp(bytes: &[u8], width: u32, height: u32, format: PixelFormat) -> Result<Image, StreamError> {
    let failed = |error: image_webp::DecodingError| StreamError(format!("its WebP stream is damaged: {error}"));
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).map_err(failed)?;
    if decoder.dimensions() != (width, height) || format.bits() != 8 || decoder.is_animated() {
        return Err(other_image());
    }
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    let mut data = vec![0; decoder.output_buffer_size().ok_or_else(other_image)?];
    decoder.read_image(&mut data).map_err(failed)?;
    let pixels = data.chunks_exact(channels);
    let data: Vec<u8> = if format.is_grey() {
        pixels.map(|pixel| pixel[1]).collect()
    } else {
        pixels.flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
    };
    Image::new(width, height, format, data).map_err(of_image)
}

fn of_image(error: ImageError) -> StreamError {
    StreamError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(format: PixelFormat, width: u32, height: u32) -> Image {
        let count = width as usize * height as usize * format.channels();
        let value = |i: usize| (i * i / 7 % 251) as u16;
        match format.bits() {
            8 => Image::new(width, height, format, (0..count).map(|i| value(i) as u8).collect()).unwrap(),
            _ => Image::new16(width, height, format, (0..count).map(|i| value(i) * 261).collect()).unwrap(),
        }
    }

    #[test]
    fn streams_give_back_every_sample() {
        for format in PixelFormat::ALL.into_iter().filter(|format| !format.has_alpha()) {
            for (width, height) in [(1, 1), (37, 5), (64, 64)] {
                let image = image(format, width, height);
                for bytes in [encode(&image, usize::MAX).unwrap(), encode_png(&image).unwrap()] {
                    assert!(decode(&bytes, width, height, format).unwrap() == image);
                    assert!(decode(&bytes, width + 1, height, format).is_err());
                    for other in PixelFormat::ALL {
                        assert!(
                            other == format || !bytes.starts_with(PNG) || decode(&bytes, width, height, other).is_err()
                        );
                    }
                    for length in 0..bytes.len() {
                        let _ = decode(&bytes[..length], width, height, format);
                    }
                }
            }
        }
    }

    #[test]
    fn graphics_become_webp_and_16_bits_png() {
        let data = (0..96 * 96).flat_map(|i| [[200, 30, 30], [20, 220, 40]][(i / 12 + i / 96 / 12) % 2]).collect();
        let checks = Image::new(96, 96, PixelFormat::Rgb8, data).unwrap();
        let bytes = encode(&checks, usize::MAX).unwrap();
        assert!(bytes.len() < 120, "{} bytes", bytes.len());
        assert!(encode(&image(PixelFormat::Rgb16, 9, 9), usize::MAX).unwrap().starts_with(PNG));
    }
}

//! Reading PNG, JPEG, WebP, TIFF and PNM.

use std::io::Cursor;

use image::codecs::{jpeg::JpegDecoder, png::PngDecoder, pnm::PnmDecoder, tiff::TiffDecoder, webp::WebPDecoder};
use image::error::ImageError;
use image::{ColorType, ExtendedColorType, ImageDecoder, ImageFormat, Limits};

use heirloom_codec::image::{Image, PixelFormat};

use super::{EXIF_PREFIX, guard};
use crate::failure::Failure;

/// Most memory that reading one picture may take, in bytes.
const MOST_MEMORY: u64 = 2 << 30;

/// Reads a picture from the bytes of a file; the format is told by the content, not by the name.
///
/// 8-bit RGB and grey are read as they are. Whatever would have to be changed to fit is refused with a word on how to
/// convert it: alpha, 16 bits and floats, CMYK, animations.
pub fn read(bytes: &[u8]) -> Result<Image, Failure> {
    let format = image::guess_format(bytes).map_err(|_| match bytes {
        [] => Failure::damaged("the file is empty"),
        [0x89, b'H', ..] => {
            Failure::unsupported("is a Heirloom file, not a picture to encode; `heirloom decode` reads it")
        }
        _ => Failure::unsupported("is not a PNG, JPEG, WebP, TIFF or PNM image"),
    })?;
    let source = Cursor::new(bytes);
    match format {
        ImageFormat::Png => {
            let decoder = PngDecoder::with_limits(source, limits()).map_err(refusal)?;
            if decoder.is_apng().map_err(refusal)? {
                return Err(animation());
            }
            pixels(decoder)
        }
        ImageFormat::Jpeg => {
            guard::jpeg(bytes)?;
            pixels(JpegDecoder::new(source).map_err(refusal)?)
        }
        ImageFormat::WebP => {
            let decoder = WebPDecoder::new(source).map_err(refusal)?;
            if decoder.has_animation() {
                return Err(animation());
            }
            pixels(decoder)
        }
        ImageFormat::Tiff => pixels(TiffDecoder::new(source).map_err(refusal)?),
        ImageFormat::Pnm => {
            let decoder = PnmDecoder::new(source).map_err(refusal)?;
            let most = decoder.header().maximal_sample();
            if !matches!(most, 1 | 255) && most < 256 {
                return Err(Failure::unsupported(format!(
                    "has samples up to {most} instead of 255; convert it first, for example `magick IN -depth 8 OUT.png`"
                )));
            }
            pixels(decoder)
        }
        other => Err(Failure::unsupported(format!("is a {other:?} image; PNG, JPEG, WebP, TIFF and PNM are read"))),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MOST_MEMORY);
    limits
}

fn pixels(mut decoder: impl ImageDecoder) -> Result<Image, Failure> {
    let limits = limits();
    decoder.set_limits(limits).map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    if decoder.total_bytes() > MOST_MEMORY {
        return Err(Failure::unsupported(format!("is too large to read: {width} × {height} pixels")));
    }
    let format = match (decoder.color_type(), decoder.original_color_type()) {
        (_, ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16) => {
            return Err(Failure::unsupported(
                "has CMYK colours; convert it first, for example `magick IN -colorspace sRGB OUT.png`",
            ));
        }
        (ColorType::L8, _) => PixelFormat::Grey8,
        (ColorType::Rgb8, _) => PixelFormat::Rgb8,
        (other, _) => return Err(pixel_kind(other)),
    };
    // A profile or a comment that cannot be read must not pass as one that is not there.
    let blob = |found: image::ImageResult<Option<Vec<u8>>>| found.map(|b| b.filter(|b| !b.is_empty())).map_err(refusal);
    let icc = blob(decoder.icc_profile())?;
    let exif = blob(decoder.exif_metadata())?.map(|b| b.strip_prefix(EXIF_PREFIX).map_or(b.clone(), <[u8]>::to_vec));
    let xmp = blob(decoder.xmp_metadata())?;
    let length =
        usize::try_from(decoder.total_bytes()).map_err(|_| Failure::unsupported("is too large for this machine"))?;
    let mut samples = Vec::new();
    samples.try_reserve_exact(length).map_err(|_| Failure::failed("there is not enough memory to read it"))?;
    samples.resize(length, 0);
    decoder.read_image(&mut samples).map_err(refusal)?;
    let mut picture = Image::new(width, height, format, samples).map_err(|e| Failure::damaged(e.to_string()))?;
    picture.metadata.icc = icc;
    picture.metadata.exif = exif;
    picture.metadata.xmp = xmp;
    Ok(picture)
}

/// Says how to convert what is not read as it is.
fn pixel_kind(color: ColorType) -> Failure {
    let deep = color.bytes_per_pixel() > color.channel_count();
    let (what, how) = match (color.has_alpha(), deep) {
        (true, true) => {
            ("an alpha channel and more than 8 bits per sample", "-background white -alpha remove -alpha off -depth 8")
        }
        (true, false) => ("an alpha channel", "-background white -alpha remove -alpha off"),
        (false, _) => ("more than 8 bits per sample", "-depth 8"),
    };
    Failure::unsupported(format!(
        "has {what}, which this version does not code; convert it first, for example `magick IN {how} OUT.png`"
    ))
}

fn animation() -> Failure {
    Failure::unsupported("is an animation; extract a frame first, for example `magick 'IN[0]' OUT.png`")
}

/// Tells a damaged file from one of a kind that is not supported.
fn refusal(error: ImageError) -> Failure {
    match &error {
        ImageError::Unsupported(_) | ImageError::Limits(_) => Failure::unsupported(error.to_string()),
        ImageError::Decoding(_) => Failure::damaged(error.to_string()),
        ImageError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            Failure::damaged("the image file is cut short")
        }
        _ => Failure::damaged(error.to_string()),
    }
}

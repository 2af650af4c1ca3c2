//! Writing PNG, PNM and JPEG.

use std::borrow::Cow;

use heirloom_codec::image::{Image, PixelFormat};

use crate::metadata::PNG_XMP;
use crate::{Format, WriteError};

/// Start of the APP1 segment that holds XMP in a JPEG file.
const JPEG_XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// JPEG quality of [`write()`].
const JPEG_QUALITY: u8 = 95;

/// An image as the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// What the format could not hold, in words ("PPM holds no metadata; left out: Exif").
    pub lost: Option<String>,
}

/// Writes an image; JPEG with quality 95.
///
/// # Errors
/// Images that the format cannot hold.
pub fn write(image: &Image, format: Format) -> Result<Written, WriteError> {
    match format {
        Format::Png => png(image),
        Format::Ppm => Ok(pnm(image)),
        Format::Jpeg => write_jpeg(image, JPEG_QUALITY),
    }
}

fn is_grey(image: &Image) -> bool {
    image.format() == PixelFormat::Grey8
}

fn png(image: &Image) -> Result<Written, WriteError> {
    let failed = |e: png::EncodingError| WriteError::Encoder(format!("cannot be written as PNG: {e}"));
    let metadata = &image.metadata;
    let mut info = png::Info::with_size(image.width(), image.height());
    info.color_type = if is_grey(image) { png::ColorType::Grayscale } else { png::ColorType::Rgb };
    info.bit_depth = png::BitDepth::Eight;
    info.icc_profile = metadata.icc.as_deref().map(Cow::Borrowed);
    info.exif_metadata = metadata.exif.as_deref().map(Cow::Borrowed);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut bytes, info).map_err(failed)?;
    // The default level takes longer than decoding the image did.
    encoder.set_compression(png::Compression::Fast);
    let mut lost = None;
    match metadata.xmp.as_deref().map(std::str::from_utf8) {
        Some(Ok(text)) => encoder.add_itxt_chunk(PNG_XMP.into(), text.into()).map_err(failed)?,
        Some(Err(_)) => lost = Some("its XMP is not valid UTF-8 and was left out".to_owned()),
        None => {}
    }
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(image.data()).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(Written { bytes, lost })
}

fn pnm(image: &Image) -> Written {
    let kind = if is_grey(image) { 5 } else { 6 };
    let mut bytes = format!("P{kind}\n{} {}\n255\n", image.width(), image.height()).into_bytes();
    bytes.extend_from_slice(image.data());
    let m = &image.metadata;
    let names: Vec<&str> = [("ICC profile", &m.icc), ("Exif", &m.exif), ("XMP", &m.xmp)]
        .into_iter()
        .filter_map(|(name, blob)| blob.as_ref().map(|_| name))
        .collect();
    let lost = (!names.is_empty()).then(|| format!("PPM holds no metadata; left out: {}", names.join(", ")));
    Written { bytes, lost }
}

/// Writes a JPEG image of a quality from 1 to 100, without chroma subsampling.
///
/// # Errors
/// Sides of more than 65535 pixels, and metadata that JPEG segments cannot hold.
pub fn write_jpeg(image: &Image, quality: u8) -> Result<Written, WriteError> {
    let failed = |e: jpeg_encoder::EncodingError| {
        WriteError::Encoder(format!("cannot be written as JPEG: {e}; write PNG instead"))
    };
    let side = |n: u32| {
        u16::try_from(n).map_err(|_| {
            WriteError::Unsupported(format!("is {n} pixels long, JPEG holds at most 65535; write PNG instead"))
        })
    };
    let (width, height) = (side(image.width())?, side(image.height())?);
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_1_1);
    encoder.set_optimized_huffman_tables(true);
    if let Some(exif) = &image.metadata.exif {
        encoder.add_exif_metadata(exif).map_err(failed)?;
    }
    if let Some(xmp) = &image.metadata.xmp {
        encoder.add_app_segment(1, [JPEG_XMP, xmp].concat()).map_err(failed)?;
    }
    if let Some(icc) = &image.metadata.icc {
        encoder.add_icc_profile(icc).map_err(failed)?;
    }
    let color = if is_grey(image) { jpeg_encoder::ColorType::Luma } else { jpeg_encoder::ColorType::Rgb };
    encoder.encode(image.data(), width, height, color).map_err(failed)?;
    Ok(Written { bytes, lost: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReadOptions, read};

    fn image(format: PixelFormat) -> Image {
        let samples = (0..20 * 12 * format.channels()).map(|i| (i * 7 % 251) as u8).collect();
        let mut image = Image::new(20, 12, format, samples).unwrap();
        image.metadata.icc = Some((0..3000u32).map(|i| (i % 255) as u8).collect());
        image.metadata.exif = Some(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec());
        image.metadata.xmp = Some(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".to_vec());
        image
    }

    #[test]
    fn png_keeps_everything() {
        for format in [PixelFormat::Rgb8, PixelFormat::Grey8] {
            let Written { bytes, lost } = write(&image(format), Format::Png).unwrap();
            assert_eq!(lost, None);
            assert_eq!(read(&bytes, &ReadOptions::default()).unwrap(), image(format));
        }
    }

    #[test]
    fn ppm_keeps_the_pixels_and_says_what_it_lost() {
        for format in [PixelFormat::Rgb8, PixelFormat::Grey8] {
            let Written { bytes, lost } = write(&image(format), Format::Ppm).unwrap();
            assert_eq!(lost.as_deref(), Some("PPM holds no metadata; left out: ICC profile, Exif, XMP"));
            let mut bare = image(format);
            bare.metadata = Default::default();
            assert_eq!(read(&bytes, &ReadOptions::default()).unwrap(), bare);
        }
    }

    #[test]
    fn jpeg_keeps_the_metadata() {
        for format in [PixelFormat::Rgb8, PixelFormat::Grey8] {
            let Written { bytes, lost } = write(&image(format), Format::Jpeg).unwrap();
            assert_eq!(lost, None);
            let found = read(&bytes, &ReadOptions::default()).unwrap();
            assert_eq!((found.width(), found.height(), found.format()), (20, 12, format));
            assert_eq!(found.metadata, image(format).metadata);
        }
    }
}

//! Writing PNG, PNM and JPEG.

use std::borrow::Cow;
use std::path::Path;

use heirloom_codec::image::{Image, PixelFormat};

use super::PNG_XMP;
use crate::failure::Failure;

/// Start of the APP1 segment that holds XMP in a JPEG file.
const JPEG_XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// A format that decoded images are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Lossless, with ICC profile, Exif and XMP
    Png,
    /// Binary PPM, or PGM for grey images; lossless, without metadata
    #[value(alias = "pgm", alias = "pnm")]
    Ppm,
    /// Lossy (see --jpeg-quality), with ICC profile, Exif and XMP
    #[value(alias = "jpeg")]
    Jpg,
}

impl Format {
    /// The format that the extension of a file name asks for.
    pub fn of(path: &Path) -> Result<Self, Failure> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match extension.as_str() {
            "png" => Ok(Self::Png),
            "ppm" | "pgm" | "pnm" => Ok(Self::Ppm),
            "jpg" | "jpeg" => Ok(Self::Jpg),
            other => Err(Failure::usage(format!(
                "{}: '.{other}' names no format that is written; use .png, .ppm or .jpg, or give --format",
                path.display()
            ))),
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Ppm => "ppm",
            Self::Jpg => "jpg",
        }
    }
}

/// The bytes of a file, and in words what of the image it could not hold.
pub fn write(image: &Image, format: Format, jpeg_quality: u8) -> Result<(Vec<u8>, Option<String>), Failure> {
    match format {
        Format::Png => png(image),
        Format::Ppm => Ok(pnm(image)),
        Format::Jpg => Ok((jpeg(image, jpeg_quality)?, None)),
    }
}

fn is_grey(image: &Image) -> bool {
    image.format() == PixelFormat::Grey8
}

fn png(image: &Image) -> Result<(Vec<u8>, Option<String>), Failure> {
    let failed = |e: png::EncodingError| Failure::failed(format!("cannot be written as PNG: {e}"));
    let metadata = &image.metadata;
    let mut info = png::Info::with_size(image.width(), image.height());
    info.color_type = if is_grey(image) { png::ColorType::Grayscale } else { png::ColorType::Rgb };
    info.bit_depth = png::BitDepth::Eight;
    info.icc_profile = metadata.icc.as_deref().map(Cow::Borrowed);
    info.exif_metadata = metadata.exif.as_deref().map(Cow::Borrowed);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut bytes, info).map_err(failed)?;
    // The usual level takes longer than all the decoding before it.
    encoder.set_compression(png::Compression::Fast);
    let mut lost = None;
    match metadata.xmp.as_deref().map(std::str::from_utf8) {
        Some(Ok(text)) => encoder.add_itxt_chunk(PNG_XMP.into(), text.into()).map_err(failed)?,
        Some(Err(_)) => lost = Some("its XMP is not UTF-8 and was left out".to_owned()),
        None => {}
    }
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(image.data()).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok((bytes, lost))
}

fn pnm(image: &Image) -> (Vec<u8>, Option<String>) {
    let kind = if is_grey(image) { 5 } else { 6 };
    let mut bytes = format!("P{kind}\n{} {}\n255\n", image.width(), image.height()).into_bytes();
    bytes.extend_from_slice(image.data());
    let m = &image.metadata;
    let names: Vec<&str> = [("ICC profile", &m.icc), ("Exif", &m.exif), ("XMP", &m.xmp)]
        .into_iter()
        .filter_map(|(name, blob)| blob.as_ref().map(|_| name))
        .collect();
    (bytes, (!names.is_empty()).then(|| format!("PPM holds no metadata; left out: {}", names.join(", "))))
}

fn jpeg(image: &Image, quality: u8) -> Result<Vec<u8>, Failure> {
    let failed =
        |e: jpeg_encoder::EncodingError| Failure::failed(format!("cannot be written as JPEG: {e}; write PNG instead"));
    let side = |n: u32| {
        u16::try_from(n).map_err(|_| {
            Failure::unsupported(format!("a JPEG side has at most 65535 pixels, this one {n}; write PNG instead"))
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
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    fn image(format: PixelFormat) -> Image {
        let channels = if format == PixelFormat::Grey8 { 1 } else { 3 };
        let samples = (0..20 * 12 * channels).map(|i| (i * 7 % 251) as u8).collect();
        let mut image = Image::new(20, 12, format, samples).unwrap();
        image.metadata.icc = Some((0..3000u32).map(|i| (i % 255) as u8).collect());
        image.metadata.exif = Some(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec());
        image.metadata.xmp = Some(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".to_vec());
        image
    }

    #[test]
    fn png_keeps_everything() {
        for format in [PixelFormat::Rgb8, PixelFormat::Grey8] {
            let (bytes, lost) = write(&image(format), Format::Png, 95).unwrap();
            assert_eq!(lost, None);
            assert_eq!(read(&bytes).unwrap(), image(format));
        }
    }

    #[test]
    fn ppm_keeps_the_pixels_and_says_what_it_lost() {
        for format in [PixelFormat::Rgb8, PixelFormat::Grey8] {
            let (bytes, lost) = write(&image(format), Format::Ppm, 95).unwrap();
            assert_eq!(lost.as_deref(), Some("PPM holds no metadata; left out: ICC profile, Exif, XMP"));
            let mut bare = image(format);
            bare.metadata = Default::default();
            assert_eq!(read(&bytes).unwrap(), bare);
        }
    }

    #[test]
    fn jpeg_keeps_the_metadata() {
        for format in [PixelFormat::Rgb8, PixelFormat::Grey8] {
            let (bytes, lost) = write(&image(format), Format::Jpg, 95).unwrap();
            assert_eq!(lost, None);
            let found = read(&bytes).unwrap();
            assert_eq!((found.width(), found.height(), found.format()), (20, 12, format));
            assert_eq!(found.metadata, image(format).metadata);
        }
    }

    #[test]
    fn formats_by_extension() {
        assert_eq!(Format::of(Path::new("a.PNG")), Ok(Format::Png));
        assert_eq!(Format::of(Path::new("a.jpeg")), Ok(Format::Jpg));
        assert_eq!(Format::of(Path::new("a.pgm")), Ok(Format::Ppm));
        assert!(Format::of(Path::new("a.webp")).unwrap_err().message.contains(".webp"));
    }
}

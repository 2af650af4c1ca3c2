//! PNG files of decoded images, with what their metadata say.

use std::borrow::Cow;

use heirloom::Image;
use png::chunk::ChunkType;
use png::{BitDepth, ColorType, Compression, Encoder, Info, PixelDimensions, Unit};

use crate::failure::Failure;

/// The keyword of XMP in PNG.
const XMP: &str = "XML:com.adobe.xmp";

/// Writes an image with all its metadata. XMP that is not valid UTF-8 has no place in PNG and is left out.
///
/// # Errors
/// Metadata that cannot be written.
pub fn write(image: &Image) -> Result<Vec<u8>, Failure> {
    let (format, metadata) = (image.format(), &image.metadata);
    let mut info = Info::with_size(image.width(), image.height());
    info.color_type = match (format.is_grey(), format.has_alpha()) {
        (true, false) => ColorType::Grayscale,
        (true, true) => ColorType::GrayscaleAlpha,
        (false, false) => ColorType::Rgb,
        (false, true) => ColorType::Rgba,
    };
    info.bit_depth = if format.bits() == 8 { BitDepth::Eight } else { BitDepth::Sixteen };
    info.icc_profile = metadata.icc.as_deref().map(Cow::Borrowed);
    info.exif_metadata = metadata.exif.as_deref().map(Cow::Borrowed);
    info.pixel_dims = metadata.resolution.map(|resolution| {
        let unit = if resolution.per_metre { Unit::Meter } else { Unit::Unspecified };
        PixelDimensions { xppu: resolution.x, yppu: resolution.y, unit }
    });
    let samples = match image.samples().as_u16() {
        Some(samples) => samples.iter().flat_map(|sample| sample.to_be_bytes()).collect(),
        None => Cow::Borrowed(image.samples().as_bytes()),
    };
    let mut file = Vec::new();
    let mut encoder = Encoder::with_info(&mut file, info).map_err(|error| Failure::png(&error))?;
    // The default takes longer than decoding the image did.
    encoder.set_compression(Compression::Fast);
    if let Some(text) = metadata.xmp.as_deref().and_then(|xmp| std::str::from_utf8(xmp).ok()) {
        encoder.add_itxt_chunk(XMP.into(), text.into()).map_err(|error| Failure::png(&error))?;
    }
    let mut writer = encoder.write_header().map_err(|error| Failure::png(&error))?;
    if let Some(code) = metadata.cicp {
        // PNG has RGB only, which is matrix 0.
        let chunk = [code.primaries, code.transfer, 0, code.full_range.into()];
        writer.write_chunk(ChunkType(*b"cICP"), &chunk).map_err(|error| Failure::png(&error))?;
    }
    writer.write_image_data(&samples).map_err(|error| Failure::png(&error))?;
    writer.finish().map_err(|error| Failure::png(&error))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking
    use std::io::Cursor;

    use super::*;
    use heirloom::{Cicp, PixelFormat, Resolution};

    fn read(file: &[u8]) -> (Info<'static>, Vec<u8>) {
        let mut reader = png::Decoder::new(Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        (reader.info().clone(), pixels)
    }

    #[test]
    fn pixels_and_metadata_are_read_back() {
        let mut image = Image::new16(2, 1, PixelFormat::Rgb16, vec![1, 2, 3, 0x4567, 0x89AB, 0xFFFF]).unwrap();
        image.metadata.icc = Some(vec![7; 200]);
        image.metadata.exif = Some(b"II*\0\x08\0\0\0\0\0".to_vec());
        image.metadata.xmp = Some(b"<x/>".to_vec());
        image.metadata.resolution = Some(Resolution { x: 3000, y: 2000, per_metre: true });
        image.metadata.cicp = Some(Cicp { primaries: 12, transfer: 13, matrix: 0, full_range: true });
        let (info, pixels) = read(&write(&image).unwrap());
        assert_eq!(pixels, [0, 1, 0, 2, 0, 3, 0x45, 0x67, 0x89, 0xAB, 0xFF, 0xFF]);
        assert_eq!((info.color_type, info.bit_depth), (ColorType::Rgb, BitDepth::Sixteen));
        assert_eq!(info.icc_profile.as_deref(), image.metadata.icc.as_deref());
        assert_eq!(info.exif_metadata.as_deref(), image.metadata.exif.as_deref());
        let text = &info.utf8_text[0];
        assert_eq!((text.keyword.as_str(), text.get_text().unwrap().as_str()), (XMP, "<x/>"));
        let size = info.pixel_dims.unwrap();
        assert_eq!((size.xppu, size.yppu, size.unit), (3000, 2000, Unit::Meter));
        let code = info.coding_independent_code_points.unwrap();
        assert_eq!((code.color_primaries, code.transfer_function, code.is_video_full_range_image), (12, 13, true));
    }

    #[test]
    fn every_kind_of_pixels_has_its_png() {
        let kinds = [
            (PixelFormat::Grey8, ColorType::Grayscale),
            (PixelFormat::GreyAlpha8, ColorType::GrayscaleAlpha),
            (PixelFormat::Rgba8, ColorType::Rgba),
        ];
        for (format, kind) in kinds {
            let samples: Vec<u8> = (0..3 * format.channels() as u8).collect();
            let (info, pixels) = read(&write(&Image::new(3, 1, format, samples.clone()).unwrap()).unwrap());
            assert_eq!((info.color_type, pixels), (kind, samples));
        }
    }
}

//! JPEG: lossy, of 8 bits, without alpha, with all metadata.

use heirloom_codec::image::Image;
use jpeg_encoder::{ColorType, Encoder, EncodingError, PixelDensity, PixelDensityUnit, SamplingFactor};

use super::{Lost, WriteOptions, Written};
use crate::{WriteError, exif};

/// Start of the APP1 segment that holds XMP.
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// Writes without chroma subsampling.
///
/// # Errors
/// Sides of more than 65535 pixels, and metadata that JPEG segments cannot hold.
pub(super) fn write(image: &Image, options: &WriteOptions) -> Result<Written, WriteError> {
    let failed = |e: EncodingError| WriteError::Encoder(format!("cannot be written as JPEG: {e}; write PNG instead"));
    let side = |n: u32| {
        u16::try_from(n).map_err(|_| {
            WriteError::Unsupported(format!("is {n} pixels long, JPEG holds at most 65535; write PNG instead"))
        })
    };
    let (width, height) = (side(image.width())?, side(image.height())?);
    let mut lost = Lost::default();
    let flat;
    let image = if image.format().has_alpha() {
        lost.add("JPEG holds no alpha; the image was put on a background");
        flat = image.clone().flattened(options.background);
        &flat
    } else {
        image
    };
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, options.jpeg_quality);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    encoder.set_optimized_huffman_tables(true);
    let metadata = &image.metadata;
    if let Some((x, y)) = metadata.exif.as_deref().and_then(exif::pixels_per_inch) {
        let dots = |v: f64| v.round().clamp(1.0, 65535.0) as u16;
        encoder.set_density(PixelDensity { density: (dots(x), dots(y)), unit: PixelDensityUnit::Inches });
    }
    if let Some(exif) = &metadata.exif {
        encoder.add_exif_metadata(exif).map_err(failed)?;
    }
    if let Some(xmp) = &metadata.xmp {
        encoder.add_app_segment(1, [XMP, xmp].concat()).map_err(failed)?;
    }
    if let Some(icc) = &metadata.icc {
        encoder.add_icc_profile(icc).map_err(failed)?;
    }
    let color = if image.format().is_grey() { ColorType::Luma } else { ColorType::Rgb };
    encoder.encode(&lost.shallow(image.samples()), width, height, color).map_err(failed)?;
    Ok(lost.with(bytes))
}

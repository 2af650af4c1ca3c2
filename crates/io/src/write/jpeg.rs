//! JPEG: lossy, of 8 bits, without alpha, with all metadata.

use heirloom_codec::image::{Image, Resolution};
use jpeg_encoder::{ColorType, Encoder, EncodingError, PixelDensity, PixelDensityUnit, SamplingFactor};

use super::{Lost, WriteOptions, Written};
use crate::{WriteError, profile};

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
    if let Some(resolution) = metadata.resolution {
        encoder.set_density(density(resolution));
    }
    if let Some(exif) = &metadata.exif {
        encoder.add_exif_metadata(exif).map_err(failed)?;
    }
    if let Some(xmp) = &metadata.xmp {
        encoder.add_app_segment(1, [XMP, xmp].concat()).map_err(failed)?;
    }
    if let Some(icc) = profile::icc(metadata) {
        encoder.add_icc_profile(&icc).map_err(failed)?;
    }
    let color = if image.format().is_grey() { ColorType::Luma } else { ColorType::Rgb };
    encoder.encode(&lost.shallow(image.samples()), width, height, color).map_err(failed)?;
    Ok(lost.with(bytes))
}

/// The resolution in pixels per inch, or as the shape of pixels.
fn density(resolution: Resolution) -> PixelDensity {
    let (metres, unit) = match resolution.per_metre {
        true => (0.0254, PixelDensityUnit::Inches),
        false => (1.0, PixelDensityUnit::PixelAspectRatio),
    };
    let dots = |v: u32| (f64::from(v) * metres).round().clamp(1.0, 65535.0) as u16;
    PixelDensity { density: (dots(resolution.x), dots(resolution.y)), unit }
}

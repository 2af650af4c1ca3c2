//! QOI: lossless, of 8-bit RGB, without metadata.

use heirloom_codec::image::Image;
use image::ImageEncoder;
use image::codecs::qoi::QoiEncoder;

use super::{Lost, Written};
use crate::WriteError;

pub(super) fn write(image: &Image) -> Result<Written, WriteError> {
    let mut lost = Lost::default();
    let samples = lost.shallow(image.samples());
    lost.metadata("QOI", &image.metadata);
    let (grey, alpha) = (image.format().is_grey(), image.format().has_alpha());
    // Grey is written as RGB of equal samples, from which reading it gives the same colours.
    let samples = if grey {
        let pixels = samples.chunks_exact(image.format().channels());
        pixels.flat_map(|pixel| [pixel[0]; 3].into_iter().chain(pixel[1..].iter().copied())).collect()
    } else {
        samples
    };
    let color = if alpha { image::ExtendedColorType::Rgba8 } else { image::ExtendedColorType::Rgb8 };
    let mut bytes = Vec::new();
    let encoded = QoiEncoder::new(&mut bytes).write_image(&samples, image.width(), image.height(), color);
    encoded.map_err(|e| WriteError::Encoder(format!("cannot be written as QOI: {e}; write PNG instead")))?;
    Ok(lost.with(bytes))
}

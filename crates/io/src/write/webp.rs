//! WebP: lossless, of 8 bits, with all metadata.

use heirloom_codec::image::Image;
use image_webp::{ColorType, WebPEncoder};

use super::{Lost, Written};
use crate::{WriteError, profile};

/// Most pixels of a side.
const MAX_SIDE: u32 = 16384;

pub(super) fn write(image: &Image) -> Result<Written, WriteError> {
    let (width, height) = (image.width(), image.height());
    if width.max(height) > MAX_SIDE {
        let longest = width.max(height);
        return Err(WriteError::Unsupported(format!(
            "is {longest} pixels long, WebP holds at most {MAX_SIDE}; write PNG instead"
        )));
    }
    let color = match (image.format().is_grey(), image.format().has_alpha()) {
        (true, false) => ColorType::L8,
        (true, true) => ColorType::La8,
        (false, false) => ColorType::Rgb8,
        (false, true) => ColorType::Rgba8,
    };
    let mut lost = Lost::default();
    let mut bytes = Vec::new();
    let mut encoder = WebPEncoder::new(&mut bytes);
    let metadata = image.metadata.clone();
    profile::icc(&metadata).into_iter().for_each(|icc| encoder.set_icc_profile(icc.into_owned()));
    metadata.exif.into_iter().for_each(|exif| encoder.set_exif_metadata(exif));
    metadata.xmp.into_iter().for_each(|xmp| encoder.set_xmp_metadata(xmp));
    let encoded = encoder.encode(&lost.shallow(image.samples()), width, height, color);
    encoded.map_err(|e| WriteError::Encoder(format!("cannot be written as WebP: {e}; write PNG instead")))?;
    Ok(lost.with(bytes))
}

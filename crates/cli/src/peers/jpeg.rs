//! JPEG.

use heirloom_codec::Image;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::failure::Failure;

pub fn encode(image: &Image, quality: u8) -> Result<Vec<u8>, Failure> {
    let side = |n: u32| u16::try_from(n).map_err(|_| Failure::unsupported("a JPEG side has at most 65535 pixels"));
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_progressive(true);
    encoder.set_optimized_huffman_tables(true);
    encoder
        .encode(&image.to_rgb(), side(image.width())?, side(image.height())?, ColorType::Rgb)
        .map_err(|e| Failure::failed(e.to_string()))?;
    Ok(bytes)
}

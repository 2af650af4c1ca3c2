//! AVIF.

use avif_decode::{Decoder, Image as Decoded};
use heirloom_codec::Image;
use ravif::{BitDepth, Encoder, Img};
use rgb::{ComponentBytes, FromSlice};

use crate::failure::Failure;

pub fn encode(image: &Image, quality: u8) -> Result<Vec<u8>, Failure> {
    let rgb = image.to_rgb();
    let image = Img::new(rgb.as_rgb(), image.width() as usize, image.height() as usize);
    // Images are coded side by side already.
    let encoder = Encoder::new().with_quality(f32::from(quality)).with_speed(4).with_num_threads(Some(1));
    let coded = encoder.with_bit_depth(BitDepth::Eight).encode_rgb(image);
    coded.map(|coded| coded.avif_file).map_err(|e| Failure::failed(format!("rav1e: {e}")))
}

pub fn decode(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let failed = |e: avif_decode::Error| Failure::failed(format!("AVIF: {e}"));
    match Decoder::from_avif(bytes).and_then(Decoder::to_image).map_err(failed)? {
        Decoded::Rgb8(image) => Ok(image.into_contiguous_buf().0.as_bytes().to_vec()),
        Decoded::Gray8(image) => Ok(image.into_contiguous_buf().0.iter().flat_map(|v| [v.value(); 3]).collect()),
        _ => Err(Failure::failed("AVIF: not of 8-bit RGB")),
    }
}

//! AVIF.

use avif_decode::{Decoder, Image as Decoded};
use heirloom_codec::image::{Image, PixelFormat};
use ravif::{BitDepth, Encoder, Img};
use rgb::{ComponentBytes, FromSlice};

use crate::failure::Failure;

pub fn encode(image: &Image, quality: u8) -> Result<Vec<u8>, Failure> {
    let rgb = image.to_rgb();
    let image = Img::new(rgb.as_rgb(), image.width() as usize, image.height() as usize);
    // Images are already encoded in parallel.
    let encoder = Encoder::new().with_quality(f32::from(quality)).with_speed(4).with_num_threads(Some(1));
    let coded = encoder.with_bit_depth(BitDepth::Eight).encode_rgb(image);
    coded.map(|coded| coded.avif_file).map_err(|e| Failure::failed(format!("rav1e: {e}")))
}

pub fn decode(bytes: &[u8]) -> Result<Image, Failure> {
    let failed = |e: avif_decode::Error| Failure::failed(format!("AVIF: {e}"));
    match Decoder::from_avif(bytes).and_then(Decoder::to_image).map_err(failed)? {
        Decoded::Rgb8(image) => {
            let (samples, width, height) = image.into_contiguous_buf();
            build(width, height, PixelFormat::Rgb8, samples.as_bytes().to_vec())
        }
        Decoded::Gray8(image) => {
            let (samples, width, height) = image.into_contiguous_buf();
            build(width, height, PixelFormat::Grey8, samples.iter().map(|v| v.value()).collect())
        }
        _ => Err(Failure::failed("AVIF: the decoded image does not have 8 bits")),
    }
}

fn build(width: usize, height: usize, format: PixelFormat, samples: Vec<u8>) -> Result<Image, Failure> {
    Image::new(width as u32, height as u32, format, samples).map_err(|e| Failure::failed(format!("AVIF: {e}")))
}

//! The best JPEG file of a given size.

use heirloom_codec::image::Image;
use heirloom_eval::psnr;
use heirloom_io::{ReadOptions, read};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::failure::Failure;

/// A JPEG file, decoded.
pub struct Jpeg {
    pub quality: u8,
    pub bytes: usize,
    pub image: Image,
}

/// The best JPEG of at most `bytes` bytes; the smallest one if even that is larger.
pub fn at_most(original: &Image, bytes: usize) -> Result<Jpeg, Failure> {
    let mut best: Option<(f64, Jpeg)> = None;
    for sampling in [SamplingFactor::F_2_2, SamplingFactor::F_1_1] {
        let (quality, file) = highest_quality(original, bytes, sampling)?;
        let image = read(&file, &ReadOptions::default())?;
        let psnr = psnr(&original.to_rgb(), &image.to_rgb()).map_err(|e| Failure::failed(e.to_string()))?;
        let fits = file.len() <= bytes;
        let better = best.as_ref().is_none_or(|(p, b)| (fits, psnr) > (b.bytes <= bytes, *p));
        if better {
            best = Some((psnr, Jpeg { quality, bytes: file.len(), image }));
        }
    }
    best.map(|(_, jpeg)| jpeg).ok_or_else(|| Failure::failed("no JPEG could be made"))
}

/// Finds the highest quality, 1 to 100, by bisection: size rarely falls as quality rises.
fn highest_quality(original: &Image, bytes: usize, sampling: SamplingFactor) -> Result<(u8, Vec<u8>), Failure> {
    let (mut low, mut high) = (1, 100);
    let mut best = encode(original, low, sampling)?;
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        let file = encode(original, middle, sampling)?;
        if file.len() <= bytes {
            low = middle;
            best = file;
        } else {
            high = middle - 1;
        }
    }
    Ok((low, best))
}

fn encode(image: &Image, quality: u8, sampling: SamplingFactor) -> Result<Vec<u8>, Failure> {
    let side = |n: u32| {
        u16::try_from(n)
            .map_err(|_| Failure::unsupported(format!("a JPEG side has at most 65535 pixels, this one {n}")))
    };
    let (width, height) = (side(image.width())?, side(image.height())?);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(sampling);
    encoder.set_progressive(true);
    encoder.set_optimized_huffman_tables(true);
    encoder
        .encode(&image.to_rgb(), width, height, ColorType::Rgb)
        .map_err(|e| Failure::failed(format!("cannot be written as JPEG: {e}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use heirloom_codec::image::PixelFormat;

    use super::*;

    fn image() -> Image {
        let data = (0..64 * 48).flat_map(|i| [(i % 64) * 4, (i / 64) * 5, (i * 7) % 256]).map(|v| v as u8).collect();
        Image::new(64, 48, PixelFormat::Rgb8, data).unwrap()
    }

    #[test]
    fn fills_the_size_and_does_not_exceed_it() {
        for limit in [1500, 3000, 6000] {
            let jpeg = at_most(&image(), limit).unwrap();
            assert!(jpeg.bytes <= limit && jpeg.bytes > limit / 2, "{} of {limit}", jpeg.bytes);
        }
    }

    #[test]
    fn the_smallest_is_taken_when_nothing_fits() {
        let jpeg = at_most(&image(), 10).unwrap();
        assert!(jpeg.quality == 1 && jpeg.bytes > 10);
    }
}

//! The body of the fuzz target `image`, over files of every format and over altered ones. The files
//! are written here, and what a fuzzer found is added to them.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::io::Cursor;

use heirloom_io::{Format, Image, PixelFormat, write};
use image::{DynamicImage, ImageFormat};

#[path = "fuzz/image.rs"]
mod target;

/// Altered inputs.
const RUNS: u64 = 3_000;

/// A generator of random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

fn image(format: PixelFormat) -> Image {
    let samples = (0..23 * 17 * format.channels()).map(|i| i * i * 7 % 65521);
    if format.bits() == 8 {
        Image::new(23, 17, format, samples.map(|v| v as u8).collect()).unwrap()
    } else {
        Image::new16(23, 17, format, samples.map(|v| v as u16).collect()).unwrap()
    }
}

/// A file of every format and kind.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for pixels in PixelFormat::ALL {
        for format in [Format::Png, Format::Ppm, Format::Tiff, Format::WebP, Format::Qoi] {
            seeds.push(write(&image(pixels), format).unwrap().bytes);
        }
    }
    for pixels in [PixelFormat::Grey8, PixelFormat::Rgb8] {
        for factor in [jpeg_encoder::SamplingFactor::F_1_1, jpeg_encoder::SamplingFactor::F_2_2] {
            for progressive in [false, true] {
                let mut bytes = Vec::new();
                let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 80);
                encoder.set_sampling_factor(factor);
                encoder.set_progressive(progressive);
                encoder.set_restart_interval(2);
                let color = if pixels.is_grey() { jpeg_encoder::ColorType::Luma } else { jpeg_encoder::ColorType::Rgb };
                encoder.encode(image(pixels).data(), 23, 17, color).unwrap();
                seeds.push(bytes);
            }
        }
        for format in [ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::Tga] {
            let mut bytes = Cursor::new(Vec::new());
            if DynamicImage::from(image(pixels)).write_to(&mut bytes, format).is_ok() {
                seeds.push(bytes.into_inner());
            }
        }
    }
    seeds.push(JPEG_XL.to_vec());
    seeds.extend([b"P1 3 2 101001".to_vec(), b"P4 9 2 abcd".to_vec(), b"P3 2 1 15 1 2 3 4 5 6".to_vec()]);
    seeds
}

/// An image of 5 × 3 pixels.
const JPEG_XL: &[u8] = b"\xff\x0a\x10\x50\x10\x50\x5c\x08\x08\x02\x01\0\xd8\0\x4b\x12\xc5\x82\x85\x24\x92\xab\xbb\xa3\x24\
    \xa5\xdc\x67\x3f\xc5\x01\x10\x08\x84\xc0\x0b\x10\xa0\x02\xc1\x5d\x6d\xa6\x38\x9d\x4e\x67\xc4\x40\xb4\xba\x32\x72\x35\
    \x24\x8a\xe7\xd9\x2f\x89\x23\x44\x79\x74\x6f\x92\x76\0";

fn altered(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        // Headers are short: half of the changes are made to them.
        let end = if random.below(2) == 0 { bytes.len().min(120) } else { bytes.len() };
        let position = random.below(end + 1);
        match (random.below(4), position < bytes.len()) {
            (0, true) => bytes[position] = random.next() as u8,
            (1, true) => bytes[position] ^= 1 << random.below(8),
            (2, true) => drop(bytes.drain(position..bytes.len().min(position + 1 + random.below(8)))),
            _ => bytes.insert(position, [0, 0xff, 0x80, random.next() as u8][random.below(4)]),
        }
    }
    bytes
}

#[test]
fn images() {
    let seeds = seeds();
    seeds.iter().for_each(|seed| assert_eq!(target::run(seed), None));
    let mut panics = Vec::new();
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for number in 0..RUNS {
        let bytes = altered(&mut Random(number), &seeds);
        let outcome = std::panic::catch_unwind(|| target::run(&bytes));
        if let Some(message) = outcome.unwrap_or_else(|_| Some("not caught".into())) {
            panics.push(format!("input {number} ({:?}): {message}", &bytes[..bytes.len().min(12)]));
        }
    }
    std::panic::set_hook(print);
    assert!(panics.is_empty(), "{}", panics.join("\n"));
}

//! Images in several tiles, and a source of bytes that counts what is read of it.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its own part of the helpers")]

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use heirloom_codec::image::{PixelFormat, Samples};
use heirloom_codec::{EncodeOptions, Image, Lossless, TileOptions};
use heirloom_format::container::{ContainerError, Source};

pub fn options(side: u32, overlap: u8, lossless: Lossless) -> EncodeOptions {
    let mut options = EncodeOptions::new(100.0).with_lossless(lossless);
    options.tiles = TileOptions { side, overlap };
    options
}

/// A number from any others (SplitMix64).
pub fn mixed(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Slopes with some noise; alpha, if any, has all values, also 0 and the highest.
pub fn image(width: u32, height: u32, format: PixelFormat) -> Image {
    let (channels, colours) = (format.channels() as u64, format.colour_channels() as u64);
    let count = u64::from(width) * u64::from(height) * channels;
    let value = |i: u64| {
        let (c, pixel) = (i % channels, i / channels);
        let (x, y) = (pixel % u64::from(width), pixel / u64::from(width));
        if c >= colours { (x / 3 + y / 5) % 6 * 51 } else { (x * 2 + y + c * 50 + mixed(i) % 9) % 256 }
    };
    let samples = match format.bits() {
        8 => Samples::U8((0..count).map(|i| value(i) as u8).collect()),
        _ => Samples::U16((0..count).map(|i| (value(i) * 257) as u16).collect()),
    };
    Image::from_samples(width, height, format, samples).unwrap()
}

pub fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// A source that counts what is read of it.
pub struct Counting<'a>(pub &'a [u8], pub AtomicU64);

impl Source for Counting<'_> {
    fn length(&self) -> u64 {
        self.0.length()
    }

    fn read_at(&self, position: u64, length: usize) -> Result<Cow<'_, [u8]>, ContainerError> {
        let bytes = self.0.read_at(position, length)?;
        self.1.fetch_add(bytes.len() as u64, Relaxed);
        Ok(bytes)
    }
}

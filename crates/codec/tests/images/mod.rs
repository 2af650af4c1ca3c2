//! Images from integer formulas, the same on every machine.

use heirloom_codec::Image;
use heirloom_codec::image::{PixelFormat, Samples};

/// What an image shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One colour.
    Flat,
    /// Independent random bytes.
    Noise,
    /// Gradients, with discs and stripes with hard edges in front, and a little grain.
    Photo,
}

/// Makes an image of a kind. Grey images have the first channel of coloured ones; samples of 16 bits
/// have a few low bits of their own. Alpha has discs of all values.
pub fn image(kind: Kind, width: u32, height: u32, format: PixelFormat) -> Image {
    let (channels, colours) = (format.channels() as u32, format.colour_channels() as u32);
    let byte = |x: u32, y: u32, channel: u32| match kind {
        _ if channel >= colours => (u32::from(photo(x + 40, y + 9, 0) / 32) * 255 / 7) as u8,
        Kind::Flat => [181, 90, 33][channel as usize],
        Kind::Noise => noise(x, y, channel) as u8,
        Kind::Photo => photo(x, y, channel),
    };
    let places =
        (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..channels).map(move |channel| (x, y, channel))));
    let samples = if format.bits() == 8 {
        Samples::U8(places.map(|(x, y, channel)| byte(x, y, channel)).collect())
    } else {
        let wide = |v: u8, low: u32| u16::from(v) << 8 | low as u16;
        Samples::U16(places.map(|(x, y, channel)| wide(byte(x, y, channel), noise(y, x, channel) % 64)).collect())
    };
    Image::from_samples(width, height, format, samples).unwrap()
}

fn photo(x: u32, y: u32, channel: u32) -> u8 {
    // Discs on a grid of 72 pixels, each with its own radius and position; a third of the cells
    // have none.
    let (column, row) = (x / 72, y / 72);
    let cell = noise(column, row, 7);
    let (dx, dy) = ((x % 72).abs_diff(24 + cell % 24), (y % 72).abs_diff(24 + cell / 32 % 24));
    let radius = 8 + cell / 1024 % 16;
    let inside = !cell.is_multiple_of(3) && dx * dx + dy * dy < radius * radius;
    let base = if inside {
        cell >> (8 * channel)
    } else if ((x + 2 * y) / 5).is_multiple_of(23) {
        230 - 60 * channel
    } else {
        // Slopes that turn back at 255 and never jump.
        let slope = [x / 3 + y / 2, 300 - (x / 4).min(300) + y / 5, x / 7 + 2 * y / 3][channel as usize] % 510;
        slope.min(509 - slope)
    };
    let grain = noise(x, y, channel) % 9;
    (base % 256 + grain).saturating_sub(4).min(255) as u8
}

/// 24 random bits of a position (the mixing of MurmurHash3).
fn noise(x: u32, y: u32, channel: u32) -> u32 {
    let mut bits = x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77) ^ channel.wrapping_mul(0xc2b2_ae3d);
    bits = (bits ^ (bits >> 16)).wrapping_mul(0x85eb_ca6b);
    bits = (bits ^ (bits >> 13)).wrapping_mul(0xc2b2_ae35);
    (bits ^ (bits >> 16)) >> 8
}

//! Conversion of pixels to the network's values and back.

use rayon::prelude::*;

use super::{Image, ImageError, PixelFormat, Samples};
use heirloom_format::container::CANVAS_UNIT;
use heirloom_kernels::Map;

/// The network's input for the colour of an image: RGB in [-1, 1] as x = 2·v/max − 1 (max is 255 or
/// 65535), with grey in all three channels, and the last column and row repeated until both sides
/// are multiples of [`CANVAS_UNIT`]. Alpha is left out.
#[must_use]
pub fn to_network(image: &Image) -> Map {
    match image.samples() {
        Samples::U8(data) => {
            let table: [f32; 256] = std::array::from_fn(|v| 2.0 * v as f32 / 255.0 - 1.0);
            padded(image, data, |v| table[usize::from(v)])
        }
        Samples::U16(data) => padded(image, data, |v| 2.0 * f32::from(v) / 65535.0 - 1.0),
    }
}

fn padded<T: Copy + Sync>(image: &Image, data: &[T], value: impl Fn(T) -> f32 + Sync) -> Map {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (channels, colours) = (image.format().channels(), image.format().colour_channels());
    let (padded_width, padded_height) = (width.next_multiple_of(CANVAS_UNIT), height.next_multiple_of(CANVAS_UNIT));
    let mut map = Map::zeros(padded_height, padded_width, 3);
    map.data.par_chunks_exact_mut(padded_width * 3).enumerate().for_each(|(y, row)| {
        let first = y.min(height - 1) * width * channels;
        let source = &data[first..first + width * channels];
        for (x, out) in row.chunks_exact_mut(3).enumerate() {
            let pixel = &source[x.min(width - 1) * channels..][..colours];
            for (c, out) in out.iter_mut().enumerate() {
                *out = value(pixel[c.min(colours - 1)]);
            }
        }
    });
    map
}

/// The upper left `width` × `height` pixels of the network's output in a format without alpha: v =
/// (x + 1)·max/2, each operation rounded to binary32, then to the nearest integer, ties to even,
/// within 0 to max (NaN gives 0); max is 255 or 65535. Grey is ⌊(red + green + blue + 1) / 3⌋ of the
/// three integers.
///
/// # Errors
/// A side of zero. A map that is smaller than the image, or does not have three channels, is
/// refused as a buffer of wrong length. A format with alpha is unsupported: alpha is put back by
/// [`Image::with_alpha`].
pub fn from_network(map: &Map, width: u32, height: u32, format: PixelFormat) -> Result<Image, ImageError> {
    if format.has_alpha() {
        return Err(ImageError::Unsupported { found: "an alpha channel" });
    }
    if map.channels != 3 || map.width < width as usize || map.height < height as usize {
        let expected = u64::from(width) * u64::from(height) * 3;
        return Err(ImageError::Length { found: map.data.len(), expected });
    }
    let samples = if format.bits() == 8 {
        Samples::U8(cropped(map, width, height, format, to_byte, |sum| ((sum + 1) / 3) as u8))
    } else {
        Samples::U16(cropped(map, width, height, format, to_16_bits, |sum| ((sum + 1) / 3) as u16))
    };
    Image::from_samples(width, height, format, samples)
}

fn cropped<T: Copy + Default + Send + Into<u32>>(
    map: &Map,
    width: u32,
    height: u32,
    format: PixelFormat,
    sample: impl Fn(f32) -> T + Sync,
    third: impl Fn(u32) -> T + Sync,
) -> Vec<T> {
    let (w, h, channels) = (width as usize, height as usize, format.channels());
    let mut data = vec![T::default(); w * h * channels];
    let rows = data.par_chunks_exact_mut((w * channels).max(1)).zip(map.data.par_chunks_exact((map.width * 3).max(1)));
    rows.for_each(|(row, source)| {
        if format.is_grey() {
            row.iter_mut().zip(source.as_chunks::<3>().0).for_each(|(out, rgb)| {
                *out = third(rgb.iter().map(|&x| sample(x).into()).sum());
            });
        } else {
            row.iter_mut().zip(source).for_each(|(out, &x)| *out = sample(x));
        }
    });
    data
}

/// `((x + 1.0) * 127.5).round_ties_even() as u8`, without the call into the C library that this
/// would be on x86-64.
#[inline]
fn to_byte(x: f32) -> u8 {
    let v = (x + 1.0) * 127.5;
    let v = if v > 0.0 { v } else { 0.0 }; // also for NaN
    let v = if v < 255.0 { v } else { 255.0 };
    // Between 2^23 and 2^24 the last bit of a float is worth one, so that the sum is rounded to an
    // integer, ties to even.
    (v + 8_388_608.0).to_bits() as u8
}

/// `((x + 1.0) * 32767.5).round_ties_even() as u16`, as [`to_byte`] does it.
#[inline]
fn to_16_bits(x: f32) -> u16 {
    let v = (x + 1.0) * 32767.5;
    let v = if v > 0.0 { v } else { 0.0 }; // also for NaN
    let v = if v < 65535.0 { v } else { 65535.0 };
    (v + 8_388_608.0).to_bits() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_the_round_trip() {
        let data: Vec<u8> = (0..=255).flat_map(|v| [v, 255 - v, v / 2]).collect();
        let image = Image::new(256, 1, PixelFormat::Rgb8, data).unwrap();
        let map = to_network(&image);
        assert_eq!((map.width, map.height), (256, 64));
        assert_eq!(from_network(&map, 256, 1, PixelFormat::Rgb8).unwrap(), image);
    }

    #[test]
    fn every_16_bit_sample_survives_the_round_trip() {
        let all: Vec<u16> = (0..=u16::MAX).collect();
        for format in [PixelFormat::Rgb16, PixelFormat::Grey16] {
            let width = 65536 / 64;
            let image = Image::new16(width, 64, format, all.repeat(format.channels())).unwrap();
            assert!(from_network(&to_network(&image), width, 64, format).unwrap() == image, "{format:?}");
        }
    }

    #[test]
    fn alpha_is_not_seen_by_the_network() {
        let rgba = Image::new(2, 1, PixelFormat::Rgba8, vec![1, 2, 3, 0, 4, 5, 6, 255]).unwrap();
        let rgb = Image::new(2, 1, PixelFormat::Rgb8, vec![1, 2, 3, 4, 5, 6]).unwrap();
        assert!(to_network(&rgba).data == to_network(&rgb).data);
        let refused = from_network(&to_network(&rgba), 2, 1, PixelFormat::Rgba8);
        assert!(matches!(refused, Err(ImageError::Unsupported { .. })));
    }

    #[test]
    fn padding_repeats_the_edge() {
        let image = Image::new(2, 2, PixelFormat::Grey8, vec![0, 255, 255, 0]).unwrap();
        let map = to_network(&image);
        let at = |x: usize, y: usize| map.data[(y * 64 + x) * 3 + 1];
        assert_eq!((at(0, 0), at(63, 0), at(0, 63), at(63, 63)), (-1.0, 1.0, 1.0, -1.0));
        assert_eq!(from_network(&map, 2, 2, PixelFormat::Grey8).unwrap(), image);
    }

    #[test]
    fn bytes_are_rounded_to_the_nearest_with_ties_to_even() {
        let plain = |x: f32| ((x + 1.0) * 127.5).round_ties_even() as u8;
        let ties = (-9..1050).map(|quarter| quarter as f32 / 4.0 / 127.5 - 1.0);
        let anything = (0..=u32::MAX).step_by(4093).map(f32::from_bits);
        for x in ties.chain(anything) {
            assert_eq!(to_byte(x), plain(x), "{x:e}");
            assert_eq!(to_16_bits(x), ((x + 1.0) * 32767.5).round_ties_even() as u16, "{x:e}");
        }
    }

    #[test]
    fn values_out_of_range_saturate() {
        assert_eq!([-9.0, 9.0, f32::NAN, f32::INFINITY].map(to_byte), [0, 255, 0, 255]);
        let map = Map { height: 1, width: 1, channels: 3, data: vec![-1.0, -1.0, 2.0 * 2.0 / 255.0 - 1.0] };
        assert_eq!(from_network(&map, 1, 1, PixelFormat::Grey8).unwrap().data(), [1]);
        assert!(from_network(&map, 2, 1, PixelFormat::Rgb8).is_err());
    }
}

//! Conversion of pixels to the network's values and back.

use rayon::prelude::*;

use super::{Image, ImageError, PixelFormat};
use heirloom_format::container::CANVAS_UNIT;
use heirloom_kernels::Map;

/// The network's input for an image: RGB in [-1, 1] as x = 2·v/255 − 1, with grey in all three
/// channels, and the last column and row repeated until both sides are multiples of
/// [`CANVAS_UNIT`].
#[must_use]
pub fn to_network(image: &Image) -> Map {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let channels = image.format().channels();
    let (padded_width, padded_height) = (width.next_multiple_of(CANVAS_UNIT), height.next_multiple_of(CANVAS_UNIT));
    let table: [f32; 256] = std::array::from_fn(|v| 2.0 * v as f32 / 255.0 - 1.0);
    let mut map = Map::zeros(padded_height, padded_width, 3);
    map.data.par_chunks_exact_mut(padded_width * 3).enumerate().for_each(|(y, row)| {
        let first = y.min(height - 1) * width * channels;
        let source = &image.data()[first..first + width * channels];
        for (x, out) in row.chunks_exact_mut(3).enumerate() {
            let pixel = &source[x.min(width - 1) * channels..][..channels];
            for (c, value) in out.iter_mut().enumerate() {
                *value = table[usize::from(pixel[c.min(channels - 1)])];
            }
        }
    });
    map
}

/// The upper left `width` × `height` pixels of the network's output as bytes: v = (x + 1)·127.5,
/// each operation rounded to binary32, then to the nearest integer, ties to even, within 0 to 255
/// (NaN gives 0). Grey is ⌊(red + green + blue + 1) / 3⌋ of the three bytes.
///
/// # Errors
/// A side of zero. A map that is smaller than the image, or does not have three channels, is
/// refused as a buffer of wrong length.
pub fn from_network(map: &Map, width: u32, height: u32, format: PixelFormat) -> Result<Image, ImageError> {
    let (w, h, channels) = (width as usize, height as usize, format.channels());
    if map.channels != 3 || map.width < w || map.height < h {
        let expected = u64::from(width) * u64::from(height) * 3;
        return Err(ImageError::Length { found: map.data.len(), expected });
    }
    let mut data = vec![0; w * h * channels];
    let rows = data.par_chunks_exact_mut((w * channels).max(1)).zip(map.data.par_chunks_exact((map.width * 3).max(1)));
    rows.for_each(|(row, source)| match format {
        PixelFormat::Rgb8 => row.iter_mut().zip(source).for_each(|(out, &x)| *out = to_byte(x)),
        PixelFormat::Grey8 => row.iter_mut().zip(source.as_chunks::<3>().0).for_each(|(out, rgb)| {
            let sum: u16 = rgb.iter().map(|&x| u16::from(to_byte(x))).sum();
            *out = ((sum + 1) / 3) as u8;
        }),
    });
    Image::new(width, height, format, data)
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

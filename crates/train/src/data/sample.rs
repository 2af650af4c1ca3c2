//! One training sample: a random square of an image, randomly shrunk and flipped.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use serde::{Deserialize, Serialize};

use super::{RgbImage, image::to_unit};
use crate::random::Random;

/// What happens to an image before it is learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// The image is shrunk by a factor drawn uniformly from this range (1 = not at all) before the crop is cut, which
    /// also removes the artefacts of a lossy source. An image is never shrunk below the crop's size.
    pub shrink: [f32; 2],
    /// Whether half of the crops are mirrored left to right.
    pub flip: bool,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self { shrink: [1.0, 1.0], flip: true }
    }
}

/// Appends a `size` by `size` crop of `image` to `out` (NHWC, values in [-1, 1]), all choices taken from `random`.
///
/// Images smaller than the crop are continued by reflection at their edges.
pub fn crop(
    image: &RgbImage,
    size: usize,
    augmentation: &Augmentation,
    random: &mut Random,
    resizer: &mut Resizer,
    out: &mut Vec<f32>,
) {
    let [low, high] = augmentation.shrink;
    let drawn = low + (high - low) * random.unit();
    let (left, top) = (random.unit(), random.unit());
    let mirrored = augmentation.flip && random.below(2) == 1;
    let side = image.width.min(image.height);
    let factor = drawn.max(size as f32 / side as f32).min(1.0);
    let rgb = if factor < 0.999 { shrunk(image, size, factor, left, top, resizer) } else { None };
    let rgb = rgb.unwrap_or_else(|| cut(image, size, left, top));
    for row in rgb.chunks_exact(size * 3) {
        if mirrored {
            out.extend(row.chunks_exact(3).rev().flatten().map(|v| to_unit(*v)));
        } else {
            out.extend(row.iter().map(|v| to_unit(*v)));
        }
    }
}

/// The crop of the image shrunk by `factor`; only the part that is needed is resampled. None if the resampler refuses.
fn shrunk(image: &RgbImage, size: usize, factor: f32, left: f32, top: f32, resizer: &mut Resizer) -> Option<Vec<u8>> {
    let side = (size as f64 / f64::from(factor)).min(image.width.min(image.height) as f64);
    let x = f64::from(left) * (image.width as f64 - side);
    let y = f64::from(top) * (image.height as f64 - side);
    let source = ImageRef::new(image.width as u32, image.height as u32, &image.rgb, PixelType::U8x3).ok()?;
    let mut target = Image::new(size as u32, size as u32, PixelType::U8x3);
    let options =
        ResizeOptions::new().crop(x, y, side, side).resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    resizer.resize(&source, &mut target, &options).ok()?;
    Some(target.into_vec())
}

fn cut(image: &RgbImage, size: usize, left: f32, top: f32) -> Vec<u8> {
    let place = |extent: usize, at: f32| (at * (extent.saturating_sub(size) + 1) as f32) as usize;
    let (left, top) = (place(image.width, left), place(image.height, top));
    let mut out = Vec::with_capacity(size * size * 3);
    for y in 0..size {
        let row = reflect(top + y, image.height) * image.width;
        for x in 0..size {
            let at = (row + reflect(left + x, image.width)) * 3;
            out.extend_from_slice(&image.rgb[at..at + 3]);
        }
    }
    out
}

/// Index `i` of a row of `n` values that is continued by reflection (the edge value is not repeated).
fn reflect(i: usize, n: usize) -> usize {
    if i < n {
        return i;
    }
    let period = (2 * n).saturating_sub(2).max(1);
    let i = i % period;
    if i < n { i } else { period - i }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(width: usize, height: usize) -> RgbImage {
        RgbImage { width, height, rgb: (0..width * height * 3).map(|i| (i * 7 % 251) as u8).collect() }
    }

    #[test]
    fn reflection_does_not_repeat_the_edge() {
        let got: Vec<usize> = (0..8).map(|i| reflect(i, 3)).collect();
        assert_eq!(got, [0, 1, 2, 1, 0, 1, 2, 1]);
        assert_eq!(reflect(5, 1), 0);
    }

    #[test]
    fn crops_of_any_image_have_the_size_and_depend_on_the_counter_alone() {
        let augmentation = Augmentation { shrink: [0.5, 1.0], flip: true };
        for (w, h) in [(1, 1), (5, 200), (64, 64), (300, 120)] {
            let p = image(w, h);
            let take = |index| {
                let mut out = Vec::new();
                crop(&p, 64, &augmentation, &mut Random::new(1, 2, index), &mut Resizer::new(), &mut out);
                out
            };
            assert_eq!(take(3).len(), 64 * 64 * 3);
            assert_eq!(take(3), take(3));
            if w > 100 {
                assert_ne!(take(3), take(4));
            }
            assert!(take(5).iter().all(|v| (-1.0..=1.0).contains(v)));
        }
    }
}

//! One crop of an image, randomly placed, shrunk and flipped.

use std::ops::Range;

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use serde::{Deserialize, Serialize};

use super::image::{RgbImage, to_unit};
use crate::random::Random;

/// Random changes to an image before it is learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// Range of the factor by which the image is shrunk before the crop is cut, drawn uniformly; 1
    /// leaves it as it is. Shrinking also removes the artefacts of a lossy source. An image is
    /// never shrunk below the crop's size.
    pub shrink: [f32; 2],
    /// Whether half of the crops, drawn at random, are mirrored left to right.
    pub flip: bool,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self { shrink: [1.0, 1.0], flip: true }
    }
}

const FILTER: FilterType = FilterType::CatmullRom;
/// Reach of the filter in pixels of the shrunk image.
const FILTER_REACH: f64 = 2.0;
/// Factors above this do not shrink.
const NOT_SHRUNK: f32 = 0.999;

/// A crop of an image with all random choices made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crop {
    /// Width and height of the image in pixels.
    image: (usize, usize),
    /// Side of the crop in pixels.
    side: usize,
    /// The factor by which the image is shrunk.
    factor: f32,
    /// Position from the left, as a share of the free space.
    left: f32,
    /// Position from the top, as a share of the free space.
    top: f32,
    mirrored: bool,
}

impl Crop {
    /// Draws a crop of `side` by `side` pixels of an image of this width and height.
    #[must_use]
    pub fn draw(image: (usize, usize), side: usize, augmentation: &Augmentation, random: &mut Random) -> Self {
        let [low, high] = augmentation.shrink;
        let drawn = low + (high - low) * random.unit();
        let (left, top) = (random.unit(), random.unit());
        let mirrored = augmentation.flip && random.below(2) == 1;
        let factor = drawn.max(side as f32 / image.0.min(image.1) as f32).min(1.0);
        Self { image, side, factor, left, top, mirrored }
    }

    /// Rows of the image that [`Self::cut`] reads.
    #[must_use]
    pub fn rows(&self) -> Range<usize> {
        let height = self.image.1;
        if self.factor < NOT_SHRUNK {
            let (_, y, side) = self.source();
            // The filter is as many times wider as the image is shrunk. One more row for rounding.
            let reach = FILTER_REACH * side / self.side as f64 + 1.0;
            return (y - reach).max(0.0) as usize..((y + side + reach).ceil() as usize).min(height);
        }
        let top = self.place(height, self.top);
        // Reflection at the lower edge reads rows above it again.
        if top + self.side <= height { top..top + self.side } else { 0..height }
    }

    /// Appends the crop of `image` to `out`: NHWC values in [-1, 1]. Images smaller than the crop
    /// are continued by reflection at their edges.
    pub fn cut(&self, image: &RgbImage, resizer: &mut Resizer, out: &mut Vec<f32>) {
        let shrunk = if self.factor < NOT_SHRUNK { self.shrunk(image, resizer) } else { None };
        let rgb = shrunk.unwrap_or_else(|| self.unscaled(image));
        for row in rgb.chunks_exact(self.side * 3) {
            if self.mirrored {
                out.extend(row.chunks_exact(3).rev().flatten().map(|v| to_unit(*v)));
            } else {
                out.extend(row.iter().map(|v| to_unit(*v)));
            }
        }
    }

    /// The square of the image that is shrunk: left and upper edge, and side, in pixels.
    fn source(&self) -> (f64, f64, f64) {
        let (width, height) = self.image;
        let side = (self.side as f64 / f64::from(self.factor)).min(width.min(height) as f64);
        (f64::from(self.left) * (width as f64 - side), f64::from(self.top) * (height as f64 - side), side)
    }

    /// The crop of the shrunk image. Only the part that is needed is resampled. None if the
    /// resampler refuses.
    fn shrunk(&self, image: &RgbImage, resizer: &mut Resizer) -> Option<Vec<u8>> {
        let (x, y, side) = self.source();
        let source = ImageRef::new(image.width as u32, image.height as u32, &image.rgb, PixelType::U8x3).ok()?;
        let mut target = Image::new(self.side as u32, self.side as u32, PixelType::U8x3);
        let options = ResizeOptions::new().crop(x, y, side, side).resize_alg(ResizeAlg::Convolution(FILTER));
        resizer.resize(&source, &mut target, &options).ok()?;
        Some(target.into_vec())
    }

    fn unscaled(&self, image: &RgbImage) -> Vec<u8> {
        let (left, top) = (self.place(image.width, self.left), self.place(image.height, self.top));
        let mut out = Vec::with_capacity(self.side * self.side * 3);
        for y in 0..self.side {
            let row = reflect(top + y, image.height) * image.width;
            for x in 0..self.side {
                let at = (row + reflect(left + x, image.width)) * 3;
                out.extend_from_slice(&image.rgb[at..at + 3]);
            }
        }
        out
    }

    fn place(&self, extent: usize, share: f32) -> usize {
        (share * (extent.saturating_sub(self.side) + 1) as f32) as usize
    }
}

/// Index into `n` values for position `i` of their continuation by reflection, which does not
/// repeat the edge value.
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

    fn take(image: &RgbImage, augmentation: &Augmentation, index: u64) -> (Crop, Vec<f32>) {
        let size = (image.width, image.height);
        let crop = Crop::draw(size, 64, augmentation, &mut Random::new(1, 2, index));
        let mut out = Vec::new();
        crop.cut(image, &mut Resizer::new(), &mut out);
        (crop, out)
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
            let image = image(w, h);
            let take = |index| take(&image, &augmentation, index).1;
            assert_eq!(take(3).len(), 64 * 64 * 3);
            assert_eq!(take(3), take(3));
            if w > 100 {
                assert_ne!(take(3), take(4));
            }
            assert!(take(5).iter().all(|v| (-1.0..=1.0).contains(v)));
        }
    }

    #[test]
    fn a_crop_reads_no_other_rows_than_it_says() {
        for (shrink, index) in [[1.0, 1.0], [0.3, 0.9]].into_iter().flat_map(|s| (0..40).map(move |i| (s, i))) {
            for (w, h) in [(5, 200), (40, 50), (300, 420)] {
                let (whole, augmentation) = (image(w, h), Augmentation { shrink, flip: false });
                let (crop, expected) = take(&whole, &augmentation, index);
                let mut part = whole.clone();
                for (y, row) in part.rgb.chunks_exact_mut(3 * w).enumerate() {
                    if !crop.rows().contains(&y) {
                        row.fill(77);
                    }
                }
                assert!(take(&part, &augmentation, index).1 == expected, "{w} × {h}: {crop:?}");
            }
        }
    }
}

//! Small images of luma from which the mean of any rectangle is read.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};

use super::window::Window;
use crate::data::RgbImage;

/// Longer side of a thumbnail in pixels.
const LONGER_SIDE: usize = 192;

/// Luma of a shrunk image, as sums over all rectangles that begin in the upper left corner.
pub struct Thumbnail {
    width: usize,
    height: usize,
    /// `(height + 1) * (width + 1)` sums.
    sums: Vec<u32>,
}

impl Thumbnail {
    /// Shrinks an image. One that is small already keeps its size.
    ///
    /// # Errors
    /// The resampler's reason.
    pub fn new(image: &RgbImage) -> Result<Self, String> {
        let longer = image.width.max(image.height);
        let scaled = |side: usize| if longer > LONGER_SIDE { (side * LONGER_SIDE / longer).max(1) } else { side };
        let (width, height) = (scaled(image.width), scaled(image.height));
        let failed = |e: &dyn std::fmt::Display| format!("it cannot be shrunk: {e}");
        let source = ImageRef::new(image.width as u32, image.height as u32, &image.rgb, PixelType::U8x3);
        let source = source.map_err(|e| failed(&e))?;
        let mut target = Image::new(width as u32, height as u32, PixelType::U8x3);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Box));
        Resizer::new().resize(&source, &mut target, &options).map_err(|e| failed(&e))?;
        Ok(Self::of_pixels(width, height, target.buffer()))
    }

    fn of_pixels(width: usize, height: usize, rgb: &[u8]) -> Self {
        let mut sums = vec![0; (width + 1) * (height + 1)];
        for (y, row) in rgb.chunks_exact(3 * width).enumerate() {
            let mut sum = 0;
            for (x, pixel) in row.chunks_exact(3).enumerate() {
                let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
                // BT.601, in 256ths.
                sum += (77 * r + 150 * g + 29 * b) >> 8;
                sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + sum;
            }
        }
        Self { width, height, sums }
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (f32, f32) {
        (self.width as f32, self.height as f32)
    }

    /// The window that is all of the image.
    #[must_use]
    pub fn whole(&self) -> Window {
        let (width, height) = self.size();
        Window { x: 0.0, y: 0.0, width, height }
    }

    /// Mean luma of the `N` by `N` equal cells of a window, row by row. Cells may cut pixels.
    #[must_use]
    pub fn cells<const N: usize>(&self, window: Window) -> [[f32; N]; N] {
        let place = |start: f32, extent: f32, i: usize, limit: usize| {
            let at = (start + extent * i as f32 / N as f32).clamp(0.0, limit as f32);
            let low = (at as usize).min(limit.saturating_sub(1));
            (low, at - low as f32)
        };
        // Sums above and left of a line of corners of cells.
        let line = |j: usize, out: &mut [f32]| {
            let (y, below) = place(window.y, window.height, j, self.height);
            let upper = &self.sums[y * (self.width + 1)..][..self.width + 1];
            let lower = &self.sums[(y + 1) * (self.width + 1)..][..self.width + 1];
            for (i, out) in out.iter_mut().enumerate() {
                let (x, right) = place(window.x, window.width, i, self.width);
                let between = |row: &[u32]| row[x] as f32 + right * (row[x + 1] - row[x]) as f32;
                let upper = between(upper);
                *out = upper + below * (between(lower) - upper);
            }
        };
        let area = (window.width * window.height / (N * N) as f32).max(f32::MIN_POSITIVE);
        let mut cells = [[0.0; N]; N];
        let (mut above, mut below) = (vec![0.0; N + 1], vec![0.0; N + 1]);
        line(0, &mut above);
        for (j, row) in cells.iter_mut().enumerate() {
            line(j + 1, &mut below);
            for (i, cell) in row.iter_mut().enumerate() {
                *cell = (below[i + 1] - below[i] - above[i + 1] + above[i]) / area;
            }
            std::mem::swap(&mut above, &mut below);
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_means_of_their_pixels() {
        // Luma 10 x + y on 8 by 4 pixels.
        let rgb: Vec<u8> = (0..32).flat_map(|i| [(10 * (i % 8) + i / 8) as u8; 3]).collect();
        let thumbnail = Thumbnail::of_pixels(8, 4, &rgb);
        let whole = thumbnail.cells::<2>(thumbnail.whole());
        assert_eq!(whole, [[15.5, 55.5], [17.5, 57.5]]);
        // Half a pixel further.
        let part = thumbnail.cells::<1>(Window { x: 0.5, y: 0.0, width: 2.0, height: 4.0 });
        assert!((part[0][0] - (10.0 + 1.5)).abs() < 1e-4, "{part:?}");
        // What is asked for beyond the edge is not there.
        assert!(thumbnail.cells::<4>(Window { x: 6.0, y: 2.0, width: 9.0, height: 9.0 })[3][3].abs() < 1e-6);
    }
}

//! The layers over a batch that see windows of pixels: Down(r), Up(r) and 3×3, each a matrix product between the pixels of
//! a coarse map and strided windows of a fine one.

use heirloom_kernels::gemm::{Left, Start};
use heirloom_kernels::{Job, Simd};
use rayon::prelude::*;

use super::super::Precision;
use super::parts::in_parts;
use super::product::{Right, multiply, multiply_transposed};
use super::run;
use super::scratch::Scratch;

/// Where the window of each coarse pixel lies in the fine map.
///
/// Row y of image b of the coarse map sees `segments` fine rows; segment s of pixel x is the `length` values from
/// `b·image + (y·step + s)·pitch + x·pixel` on. Rows of the weight are ordered (segment, value).
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    pub batch: usize,
    pub height: usize,
    pub width: usize,
    pub segments: usize,
    pub step: usize,
    pub pitch: usize,
    pub image: usize,
    pub pixel: usize,
    pub length: usize,
}

impl Windows {
    /// Windows of r×r fine pixels, without overlap. `height` and `width` are the coarse map's.
    pub fn shuffle(batch: usize, height: usize, width: usize, r: usize, fine_channels: usize) -> Windows {
        let pitch = width * r * fine_channels;
        let length = r * fine_channels;
        Windows { batch, height, width, segments: r, step: r, pitch, image: height * r * pitch, pixel: length, length }
    }

    /// 3×3 windows of a fine map that has one zero pixel on each side.
    pub fn conv3x3(batch: usize, height: usize, width: usize, channels: usize) -> Windows {
        let pitch = (width + 2) * channels;
        let image = (height + 2) * pitch;
        Windows { batch, height, width, segments: 3, step: 1, pitch, image, pixel: channels, length: 3 * channels }
    }

    fn rows(&self) -> usize {
        self.batch * self.height
    }

    #[inline(always)]
    fn offset(&self, row: usize, segment: usize) -> usize {
        row / self.height * self.image + (row % self.height * self.step + segment) * self.pitch
    }

    /// Values of the fine map from a segment's start to the end of its row's windows.
    fn span(&self) -> usize {
        (self.width - 1) * self.pixel + self.length
    }
}

/// Pixels that one task works on, about.
const TASK_PIXELS: usize = 128;

/// `coarse = bias + windows(fine) · W`, W `[segments·length, n]`; `bias` may be empty for none. Result
/// `[batch·height·width, n]`.
pub fn gather(windows: Windows, fine: &[f32], weight: &Right, bias: &[f32]) -> Vec<f32> {
    let n = weight.n();
    let rows = TASK_PIXELS.div_ceil(windows.width);
    let ([out], _) = in_parts([windows.rows() * windows.width * n], [rows * windows.width * n], |task, [out]| {
        run(GatherTask { windows, fine, weight, bias, first_row: task * rows, out });
    });
    out
}

struct GatherTask<'a> {
    windows: Windows,
    fine: &'a [f32],
    weight: &'a Right,
    bias: &'a [f32],
    first_row: usize,
    out: &'a mut [f32],
}

impl Job for GatherTask<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let w = self.windows;
        let n = self.weight.n();
        let m = self.out.len() / n;
        // Narrow rows are copied together, so that the product works on many pixels at once.
        let mut scratch = Scratch::take();
        let [patches] = scratch.slices([m * w.length]);
        for segment in 0..w.segments {
            for (i, row) in patches.chunks_exact_mut(w.width * w.length).enumerate() {
                let from = &self.fine[w.offset(self.first_row + i, segment)..][..w.span()];
                for (x, patch) in row.chunks_exact_mut(w.length).enumerate() {
                    patch.copy_from_slice(&from[x * w.pixel..][..w.length]);
                }
            }
            let start = if segment == 0 { first_start(self.bias) } else { Start::Output };
            let rows = segment * w.length..(segment + 1) * w.length;
            multiply::<S>(m, Left::rows(patches, w.length), self.weight, rows, start, self.out, n);
        }
    }
}

/// What sums begin with: the bias, or zero where it is empty.
pub fn first_start(bias: &[f32]) -> Start<'_> {
    if bias.is_empty() { Start::Zero } else { Start::Bias(bias) }
}

/// `windows(fine) = bias + coarse · W_s` for each segment s: `weights[s]` is `[k, length]`, `bias` is
/// `[segments·length]` or empty for none. The windows must not overlap. Result: the fine map.
pub fn scatter(windows: Windows, coarse: &[f32], weights: &[Right], bias: &[f32]) -> Vec<f32> {
    let w = windows;
    let rows = TASK_PIXELS.div_ceil(w.width);
    let ([out], _) = in_parts([w.batch * w.image], [rows * w.step * w.pitch], |task, [out]| {
        run(ScatterTask { windows, coarse, weights, bias, first_row: task * rows, out });
    });
    out
}

struct ScatterTask<'a> {
    windows: Windows,
    coarse: &'a [f32],
    weights: &'a [Right],
    bias: &'a [f32],
    first_row: usize,
    out: &'a mut [f32],
}

impl Job for ScatterTask<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let w = self.windows;
        let m = self.out.len() / (w.step * w.pitch) * w.width;
        let mut scratch = Scratch::take();
        let [patches] = scratch.slices([m * w.length]);
        for (segment, weight) in self.weights.iter().enumerate() {
            let k = weight.k();
            let left = Left::rows(&self.coarse[self.first_row * w.width * k..][..m * k], k);
            let bias = if self.bias.is_empty() { &[] } else { &self.bias[segment * w.length..][..w.length] };
            let start = first_start(bias);
            multiply::<S>(m, left, weight, 0..k, start, patches, w.length);
            let rows = self.out.chunks_exact_mut(w.step * w.pitch).zip(patches.chunks_exact(w.width * w.length));
            for (out, row) in rows {
                // Without overlap the windows of a row lie side by side.
                out[segment * w.pitch..][..row.len()].copy_from_slice(row);
            }
        }
    }
}

/// Gradient of a gather's weight, `[segments·length, n]`: Σ windowsᵀ · gradient. `n` = values per coarse pixel.
pub fn gather_weight_gradient(
    windows: Windows,
    fine: &[f32],
    gradient: &[f32],
    n: usize,
    precision: Precision,
) -> Vec<f32> {
    let part = part_of(windows.length);
    let ([out], _) = in_parts([windows.segments * windows.length * n], [part * n], |i, [out]| {
        let parts = windows.length / part;
        let (segment, first) = (i / parts, i % parts * part);
        run(GatherWeight { windows, fine, gradient, n, precision, segment, first, out });
    });
    out
}

/// Rows of a weight gradient that one task sums: a divisor of `length`, near 32.
pub fn part_of(length: usize) -> usize {
    (1..=32).rev().find(|n| length.is_multiple_of(*n)).unwrap_or(1)
}

struct GatherWeight<'a> {
    windows: Windows,
    fine: &'a [f32],
    gradient: &'a [f32],
    n: usize,
    precision: Precision,
    segment: usize,
    first: usize,
    out: &'a mut [f32],
}

impl Job for GatherWeight<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let w = self.windows;
        let n = self.n;
        let m = self.out.len() / n;
        let rows = TASK_PIXELS.div_ceil(w.width);
        let mut scratch = Scratch::take();
        let ([patches], packed) = scratch.slices_and_spare([rows * w.width * m]);
        for first in (0..w.rows()).step_by(rows) {
            let end = (first + rows).min(w.rows());
            let pixels = (end - first) * w.width;
            for (row, patches) in (first..end).zip(patches.chunks_exact_mut(w.width * m)) {
                let from = &self.fine[w.offset(row, self.segment) + self.first..];
                for (x, patch) in patches.chunks_exact_mut(m).enumerate() {
                    patch.copy_from_slice(&from[x * w.pixel..][..m]);
                }
            }
            let right = &self.gradient[first * w.width * n..][..pixels * n];
            let start = Start::Output;
            multiply_transposed::<S>(self.precision, m, pixels, n, patches, m, right, n, start, self.out, n, packed);
        }
    }
}

/// Gradient of a scatter's weight, `[k, segments·length]`: Σ coarseᵀ · windows(gradient).
pub fn scatter_weight_gradient(
    windows: Windows,
    coarse: &[f32],
    gradient: &[f32],
    k: usize,
    precision: Precision,
) -> Vec<f32> {
    let part = part_of(k);
    let columns = windows.segments * windows.length;
    let ([out], _) = in_parts([k * columns], [part * columns], |i, [out]| {
        run(ScatterWeight { windows, coarse, gradient, k, precision, first: i * part, out });
    });
    out
}

struct ScatterWeight<'a> {
    windows: Windows,
    coarse: &'a [f32],
    gradient: &'a [f32],
    k: usize,
    precision: Precision,
    first: usize,
    out: &'a mut [f32],
}

impl Job for ScatterWeight<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let w = self.windows;
        let columns = w.segments * w.length;
        let m = self.out.len() / columns;
        let rows = TASK_PIXELS.div_ceil(w.width);
        let mut scratch = Scratch::take();
        let ([fine], packed) = scratch.slices_and_spare([rows * w.width * w.length]);
        for first in (0..w.rows()).step_by(rows) {
            let end = (first + rows).min(w.rows());
            let pixels = (end - first) * w.width;
            let coarse = &self.coarse[first * w.width * self.k + self.first..];
            for segment in 0..w.segments {
                for (row, to) in (first..end).zip(fine.chunks_exact_mut(w.width * w.length)) {
                    // Without overlap the windows of a row lie side by side.
                    to.copy_from_slice(&self.gradient[w.offset(row, segment)..][..to.len()]);
                }
                let (n, start, out) = (w.length, Start::Output, &mut self.out[segment * w.length..]);
                multiply_transposed::<S>(
                    self.precision,
                    m,
                    pixels,
                    n,
                    coarse,
                    self.k,
                    fine,
                    n,
                    start,
                    out,
                    columns,
                    packed,
                );
            }
        }
    }
}

/// Σ over coarse pixels of their windows, `[segments·length]`: the gradient of a scatter's bias. The windows must not overlap.
pub fn sum_windows(windows: Windows, gradient: &[f32]) -> Vec<f32> {
    let w = windows;
    // A fixed number of parts, so that the sum does not depend on the number of threads.
    let part = w.rows().div_ceil(8).max(1) * w.step * w.pitch;
    let sums: Vec<Vec<f32>> = gradient
        .par_chunks(part)
        .map(|rows| {
            let mut sum = vec![0.0; w.segments * w.length];
            for (row, fine) in rows.chunks_exact(w.pitch).enumerate() {
                let sum = &mut sum[row % w.segments * w.length..][..w.length];
                for window in fine.chunks_exact(w.length) {
                    add(window, sum);
                }
            }
            sum
        })
        .collect();
    total(sums, w.segments * w.length)
}

/// Σ over rows of `n` values: the gradient of a bias.
pub fn sum_rows(x: &[f32], n: usize) -> Vec<f32> {
    // A fixed number of parts, so that the sum does not depend on the number of threads.
    let part = (x.len() / n).div_ceil(8).max(1) * n;
    let sums: Vec<Vec<f32>> = x
        .par_chunks(part)
        .map(|rows| {
            let mut sum = vec![0.0; n];
            for row in rows.chunks_exact(n) {
                add(row, &mut sum);
            }
            sum
        })
        .collect();
    total(sums, n)
}

/// The sum of parts of `n` values, in their order.
fn total(parts: Vec<Vec<f32>>, n: usize) -> Vec<f32> {
    let mut total = vec![0.0; n];
    for part in parts {
        add(&part, &mut total);
    }
    total
}

fn add(x: &[f32], sum: &mut [f32]) {
    for (sum, x) in sum.iter_mut().zip(x) {
        *sum += x;
    }
}

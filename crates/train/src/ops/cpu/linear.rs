//! The dense layers over a batch: 1×1, Down(r), Up(r) and 3×3, each a matrix product between the pixels of a coarse
//! map and strided windows of a fine one.

use heirloom_codec::kernels::gemm::{self, Left, Packed, Start};
use heirloom_codec::kernels::{Job, Simd};
use rayon::prelude::*;

use super::engine;

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
    /// A 1×1 layer on `pixels` pixels of `channels` values: long runs of pixels count as rows.
    pub fn dense(pixels: usize, channels: usize) -> Windows {
        let width = (1..=128).rev().find(|n| pixels.is_multiple_of(*n)).unwrap_or(1);
        let height = pixels / width;
        let pitch = width * channels;
        let image = height * pitch;
        Windows { batch: 1, height, width, segments: 1, step: 1, pitch, image, pixel: channels, length: channels }
    }

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

/// `coarse = bias + windows(fine) · W`, W `[segments·length, n]`. Result `[batch·height·width, n]`.
pub fn gather(windows: Windows, fine: &[f32], weight: &Packed, bias: &[f32]) -> Vec<f32> {
    let n = weight.n();
    let mut out = vec![0.0; windows.rows() * windows.width * n];
    out.par_chunks_mut(windows.width * n).enumerate().for_each(|(row, out)| {
        engine().run(GatherRow { windows, fine, weight, bias, row, out });
    });
    out
}

struct GatherRow<'a> {
    windows: Windows,
    fine: &'a [f32],
    weight: &'a Packed,
    bias: &'a [f32],
    row: usize,
    out: &'a mut [f32],
}

impl Job for GatherRow<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let w = self.windows;
        for segment in 0..w.segments {
            let left = Left::rows(&self.fine[w.offset(self.row, segment)..][..w.span()], w.pixel);
            let start = if segment == 0 { Start::Bias(self.bias) } else { Start::Output };
            let rows = segment * w.length..(segment + 1) * w.length;
            gemm::multiply::<S>(w.width, left, self.weight, rows, start, self.out, self.weight.n());
        }
    }
}

/// `windows(fine) = bias + coarse · W_s` for each segment s: `weights[s]` is `[k, length]`, `bias` is
/// `[segments·length]` or empty for none. The windows must not overlap. Result: the fine map.
pub fn scatter(windows: Windows, coarse: &[f32], weights: &[Packed], bias: &[f32]) -> Vec<f32> {
    let w = windows;
    let mut out = vec![0.0; w.batch * w.image];
    out.par_chunks_mut(w.step * w.pitch).enumerate().for_each(|(row, out)| {
        engine().run(ScatterRow { windows, coarse, weights, bias, row, out });
    });
    out
}

struct ScatterRow<'a> {
    windows: Windows,
    coarse: &'a [f32],
    weights: &'a [Packed],
    bias: &'a [f32],
    row: usize,
    out: &'a mut [f32],
}

impl Job for ScatterRow<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let w = self.windows;
        let coarse = self.coarse;
        for (segment, weight) in self.weights.iter().enumerate() {
            let k = weight.k();
            let left = Left::rows(&coarse[self.row * w.width * k..][..w.width * k], k);
            let start = match self.bias {
                [] => Start::Zero,
                bias => Start::Bias(&bias[segment * w.length..][..w.length]),
            };
            gemm::multiply::<S>(w.width, left, weight, 0..k, start, &mut self.out[segment * w.pitch..], w.pixel);
        }
    }
}

/// Gradient of a gather's weight, `[segments·length, n]`: Σ windowsᵀ · gradient. `n` = values per coarse pixel.
pub fn gather_weight_gradient(windows: Windows, fine: &[f32], gradient: &[f32], n: usize) -> Vec<f32> {
    let padded;
    let (gradient, stride) = if n.is_multiple_of(16) {
        (gradient, n)
    } else {
        padded = widen(gradient, n);
        (&padded[..], n.next_multiple_of(16))
    };
    let mut out = vec![0.0; windows.segments * windows.length * n];
    let part = part_of(windows.length);
    out.par_chunks_mut(part * n).enumerate().for_each(|(i, out)| {
        let parts = windows.length / part;
        let (segment, first) = (i / parts, i % parts * part);
        engine().run(GatherWeight { windows, fine, gradient, stride, n, segment, first, out });
    });
    out
}

/// Rows of a weight gradient that one task sums: a divisor of `length`, near 32.
fn part_of(length: usize) -> usize {
    (1..=32).rev().find(|n| length.is_multiple_of(*n)).unwrap_or(1)
}

/// Rows of `n` values, each padded with zeros to a multiple of 16.
fn widen(x: &[f32], n: usize) -> Vec<f32> {
    let stride = n.next_multiple_of(16);
    let mut out = vec![0.0; x.len() / n * stride];
    for (out, x) in out.chunks_exact_mut(stride).zip(x.chunks_exact(n)) {
        out[..n].copy_from_slice(x);
    }
    out
}

struct GatherWeight<'a> {
    windows: Windows,
    fine: &'a [f32],
    gradient: &'a [f32],
    stride: usize,
    n: usize,
    segment: usize,
    first: usize,
    out: &'a mut [f32],
}

impl Job for GatherWeight<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let w = self.windows;
        let m = self.out.len() / self.n;
        for row in 0..w.rows() {
            let from = w.offset(row, self.segment) + self.first;
            let left = Left::transposed(&self.fine[from..][..w.span() - self.first], w.pixel);
            let right = &self.gradient[row * w.width * self.stride..][..w.width * self.stride];
            let (n, stride) = (self.n, self.stride);
            gemm::multiply_unpacked::<S>(m, w.width, n, left, right, stride, Start::Output, self.out, n);
        }
    }
}

/// Gradient of a scatter's weight, `[k, segments·length]`: Σ coarseᵀ · windows(gradient).
pub fn scatter_weight_gradient(windows: Windows, coarse: &[f32], gradient: &[f32], k: usize) -> Vec<f32> {
    let mut out = vec![0.0; k * windows.segments * windows.length];
    let part = part_of(k);
    out.par_chunks_mut(part * windows.segments * windows.length).enumerate().for_each(|(i, out)| {
        engine().run(ScatterWeight { windows, coarse, gradient, k, first: i * part, out });
    });
    out
}

struct ScatterWeight<'a> {
    windows: Windows,
    coarse: &'a [f32],
    gradient: &'a [f32],
    k: usize,
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
        let mut widened = Vec::new();
        for row in 0..w.rows() {
            let coarse = &self.coarse[row * w.width * self.k + self.first..(row + 1) * w.width * self.k];
            let left = Left::transposed(coarse, self.k);
            for segment in 0..w.segments {
                let mut right = &self.gradient[w.offset(row, segment)..][..w.width * w.pixel];
                let mut stride = w.pixel;
                if !w.length.is_multiple_of(16) {
                    widened.clear();
                    widened.resize(w.width * w.length.next_multiple_of(16), 0.0);
                    stride = w.length.next_multiple_of(16);
                    for (to, from) in widened.chunks_exact_mut(stride).zip(right.chunks_exact(w.pixel)) {
                        to[..w.length].copy_from_slice(&from[..w.length]);
                    }
                    right = &widened;
                }
                let out = &mut self.out[segment * w.length..];
                gemm::multiply_unpacked::<S>(m, w.width, w.length, left, right, stride, Start::Output, out, columns);
            }
        }
    }
}

/// Σ over rows of `n` values: the gradient of a bias.
pub fn sum_rows(x: &[f32], n: usize) -> Vec<f32> {
    let mut sum = vec![0.0; n];
    for row in x.chunks_exact(n) {
        for (sum, x) in sum.iter_mut().zip(row) {
            *sum += x;
        }
    }
    sum
}

//! From a coarse map to a fine one: Up(r) forward, and Down(r) backward.

use rayon::prelude::*;

use super::extents::{TASK_PIXELS, Windows};
use crate::product::{Matrix, MatrixMut, Operand, Precision, Start, multiply_transposed_in};
use crate::simd::{Job, Simd};
use crate::training::parts::{in_parts, part_of};
use crate::training::run::run;
use crate::training::scratch::Scratch;
use crate::training::sums::{add, total};

/// `windows(fine) = bias + coarse · W_s` for each segment s: `weights[s]` is `[k, length]`, `bias`
/// is `[segments·length]` or empty for none. The windows must not overlap. Returns the fine map.
pub fn scatter(windows: Windows, coarse: &[f32], weights: &[Operand], bias: &[f32]) -> Vec<f32> {
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
    weights: &'a [Operand],
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
            let left = Matrix::new(&self.coarse[self.first_row * w.width * k..][..m * k], m, k, k);
            let bias = if self.bias.is_empty() { &[] } else { &self.bias[segment * w.length..][..w.length] };
            let start = Start::bias_or_zero(bias);
            weight.multiply::<S>(left, 0..k, start, MatrixMut::new(patches, m, w.length, w.length));
            let rows = self.out.chunks_exact_mut(w.step * w.pitch).zip(patches.chunks_exact(w.width * w.length));
            for (out, row) in rows {
                // Without overlap the windows of a row are side by side.
                out[segment * w.pitch..][..row.len()].copy_from_slice(row);
            }
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
            let left = Matrix::new(coarse, pixels, m, self.k);
            for segment in 0..w.segments {
                for (row, to) in (first..end).zip(fine.chunks_exact_mut(w.width * w.length)) {
                    // Without overlap the windows of a row are side by side.
                    to.copy_from_slice(&self.gradient[w.offset(row, segment)..][..to.len()]);
                }
                let right = Matrix::new(fine, pixels, w.length, w.length);
                let out = MatrixMut::new(&mut self.out[segment * w.length..], m, w.length, columns);
                multiply_transposed_in::<S>(self.precision, left, right, Start::Output, out, packed);
            }
        }
    }
}

/// Σ over coarse pixels of their windows, `[segments·length]`: the gradient of a scatter's bias.
/// The windows must not overlap.
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

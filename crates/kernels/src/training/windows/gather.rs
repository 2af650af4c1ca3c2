//! From a fine map to a coarse one: Down(r) and 3×3 forward, and Up(r) backward.

use super::extents::{TASK_PIXELS, Windows};
use crate::product::{Matrix, MatrixMut, Operand, Precision, Start, multiply_transposed_in};
use crate::simd::{Job, Simd};
use crate::training::parts::{in_parts, part_of};
use crate::training::run::run;
use crate::training::scratch::Scratch;

/// `coarse = bias + windows(fine) · W`, W `[segments·length, n]`; an empty `bias` stands for none.
/// Returns `[batch·height·width, n]`.
pub fn gather(windows: Windows, fine: &[f32], weight: &Operand, bias: &[f32]) -> Vec<f32> {
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
    weight: &'a Operand,
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
        // Windows are copied, so that the product works on the pixels of several rows at once.
        let mut scratch = Scratch::take();
        let [patches] = scratch.slices([m * w.length]);
        for segment in 0..w.segments {
            for (i, row) in patches.chunks_exact_mut(w.width * w.length).enumerate() {
                let from = &self.fine[w.offset(self.first_row + i, segment)..][..w.span()];
                for (x, patch) in row.chunks_exact_mut(w.length).enumerate() {
                    patch.copy_from_slice(&from[x * w.pixel..][..w.length]);
                }
            }
            let start = if segment == 0 { Start::bias_or_zero(self.bias) } else { Start::Output };
            let rows = segment * w.length..(segment + 1) * w.length;
            let left = Matrix::new(patches, m, w.length, w.length);
            self.weight.multiply::<S>(left, rows, start, MatrixMut::new(self.out, m, n, n));
        }
    }
}

/// Gradient of a gather's weight, `[segments·length, n]`: Σ windowsᵀ · gradient. `gradient` has `n`
/// values per coarse pixel.
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
            let left = Matrix::new(patches, pixels, m, m);
            let right = Matrix::new(&self.gradient[first * w.width * n..][..pixels * n], pixels, n, n);
            let out = MatrixMut::new(self.out, m, n, n);
            multiply_transposed_in::<S>(self.precision, left, right, Start::Output, out, packed);
        }
    }
}

//! 1×1 layers over a batch: matrix products that read the pixels where they lie. The input may be
//! several maps, as if their channels were concatenated.

use super::parts::{in_parts, part_of};
use super::run::run;
use super::scratch::Scratch;
use crate::product::{Matrix, MatrixMut, Operand, Precision, Start, multiply_transposed_in};
use crate::simd::{Job, Simd};

/// Pixels that one task works on, and that one sum of a weight gradient covers before it is stored.
const TASK_PIXELS: usize = 128;

/// Rows of `channels` values, one per pixel.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// The values, `[pixels, channels]`.
    pub values: &'a [f32],
    /// Values of a pixel.
    pub channels: usize,
}

/// `bias + Σ inputs · W`, the rows of W in the order of the inputs' channels; an empty `bias`
/// stands for none. Returns `[pixels, n]`.
pub fn forward(inputs: &[Rows], weight: &Operand, bias: &[f32]) -> Vec<f32> {
    let n = weight.n();
    let pixels = inputs[0].values.len() / inputs[0].channels;
    let ([out], _) = in_parts([pixels * n], [TASK_PIXELS * n], |task, [out]| {
        run(Forward { inputs, weight, bias, first: task * TASK_PIXELS, out });
    });
    out
}

struct Forward<'a> {
    inputs: &'a [Rows<'a>],
    weight: &'a Operand,
    bias: &'a [f32],
    first: usize,
    out: &'a mut [f32],
}

impl Job for Forward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let n = self.weight.n();
        let m = self.out.len() / n;
        let (mut row, mut start) = (0, Start::bias_or_zero(self.bias));
        for input in self.inputs {
            let c = input.channels;
            let left = Matrix::new(&input.values[self.first * c..][..m * c], m, c, c);
            self.weight.multiply::<S>(left, row..row + c, start, MatrixMut::new(self.out, m, n, n));
            (row, start) = (row + c, Start::Output);
        }
    }
}

/// Gradient of the weight's rows for one input, `[channels, n]`: Σ over pixels of inputᵀ ·
/// gradient.
pub fn weight_gradient(input: Rows, gradient: &[f32], n: usize, precision: Precision) -> Vec<f32> {
    let part = part_of(input.channels);
    let ([out], _) = in_parts([input.channels * n], [part * n], |i, [out]| {
        run(WeightGradient { input, gradient, n, precision, first: i * part, out });
    });
    out
}

struct WeightGradient<'a> {
    input: Rows<'a>,
    gradient: &'a [f32],
    n: usize,
    precision: Precision,
    first: usize,
    out: &'a mut [f32],
}

impl Job for WeightGradient<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let (c, n) = (self.input.channels, self.n);
        let m = self.out.len() / n;
        let mut scratch = Scratch::take();
        let ([], packed) = scratch.slices_and_spare([]);
        let tiles = self.input.values.chunks(TASK_PIXELS * c).zip(self.gradient.chunks(TASK_PIXELS * n));
        for (left, right) in tiles {
            let pixels = left.len() / c;
            let left = Matrix::new(&left[self.first..], pixels, m, c);
            let (right, out) = (Matrix::new(right, pixels, n, n), MatrixMut::new(self.out, m, n, n));
            multiply_transposed_in::<S>(self.precision, left, right, Start::Output, out, packed);
        }
    }
}

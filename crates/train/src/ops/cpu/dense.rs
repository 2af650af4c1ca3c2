//! 1×1 layers over a batch: matrix products that read the pixels where they lie. The input may be several maps side by
//! side, as if their channels were concatenated.

use heirloom_kernels::gemm::{Left, Start};
use heirloom_kernels::{Job, Simd};

use super::super::Precision;
use super::linear::{first_start, part_of};
use super::parts::in_parts;
use super::product::{Right, multiply, multiply_transposed};
use super::run;
use super::scratch::Scratch;

/// Pixels that one task works on, and that one sum of a weight gradient runs over before it is stored.
const TASK_PIXELS: usize = 128;

/// Rows of `channels` values, one per pixel.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    pub values: &'a [f32],
    pub channels: usize,
}

/// `bias + Σ inputs · W`, the rows of W in the order of the inputs' channels; `bias` may be empty for none. Result
/// `[pixels, n]`.
pub fn forward(inputs: &[Rows], weight: &Right, bias: &[f32]) -> Vec<f32> {
    let n = weight.n();
    let pixels = inputs[0].values.len() / inputs[0].channels;
    let ([out], _) = in_parts([pixels * n], [TASK_PIXELS * n], |task, [out]| {
        run(Forward { inputs, weight, bias, first: task * TASK_PIXELS, out });
    });
    out
}

struct Forward<'a> {
    inputs: &'a [Rows<'a>],
    weight: &'a Right,
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
        let (mut row, mut start) = (0, first_start(self.bias));
        for input in self.inputs {
            let c = input.channels;
            let left = Left::rows(&input.values[self.first * c..][..m * c], c);
            multiply::<S>(m, left, self.weight, row..row + c, start, self.out, n);
            (row, start) = (row + c, Start::Output);
        }
    }
}

/// Gradient of the weight's rows for one input, `[channels, n]`: Σ over pixels of inputᵀ · gradient.
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
            let (pixels, left) = (left.len() / c, &left[self.first..]);
            multiply_transposed::<S>(
                self.precision,
                m,
                pixels,
                n,
                left,
                c,
                right,
                n,
                Start::Output,
                self.out,
                n,
                packed,
            );
        }
    }
}

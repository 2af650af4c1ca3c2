//! The backward pass of the block, but for its depthwise convolution.

use std::ops::Range;

use super::convolution;
use super::extents::{Saved, Shape, Weights, factors};
use super::gradients::{Gradients, Sums};
use crate::product::{Matrix, MatrixMut, Operand, Packed, Start, multiply_transposed_in};
use crate::simd::{Job, Simd};
use crate::training::parts::in_aligned_parts;
use crate::training::pointwise;
use crate::training::pointwise::{accumulate, gelu_backward, normalise_backward};
use crate::training::run::run;
use crate::training::scratch::Scratch;

/// Backward pass: `gradient` is that of the output. Unless the weights `learn`, their gradients,
/// which are half of the work, are left out.
pub fn backward(
    shape: Shape,
    w: Weights,
    x: &[f32],
    modulation: &[f32],
    saved: &Saved,
    gradient: &[f32],
    learn: bool,
) -> Gradients {
    let c = shape.channels;
    let factor = factors(modulation, c);
    // The layer scale is folded into the projection: its own gradient follows from the folded
    // weight's.
    let (project, expand) = rayon::join(
        || {
            let mut project = Packed::transposed(w.project_weight, c, c, 2 * c);
            project.scale_rows(w.layer_scale);
            Operand::new(project, c, shape.precision)
        },
        || Operand::new(Packed::transposed(w.expand_weight, 2 * c, 2 * c, c), 2 * c, shape.precision),
    );
    let rows = shape.task_rows();
    let ([inner], sums) = in_aligned_parts([x.len()], [rows * shape.row()], |task, [inner]| {
        let (project, expand, factor) = (&project, &expand, &factor);
        let first_row = task * rows;
        run(BackwardTask { shape, saved, gradient, project, expand, factor, modulation, learn, first_row, inner })
    });
    let sums = Sums::total(sums);

    let (x, depthwise_weight) = convolution::backward(shape, w.depthwise_weight, learn.then_some(x), &inner, gradient);
    let Sums { modulation, weights } = sums;
    Gradients { x, modulation, weights: weights.map(|sums| sums.into_gradients(w, depthwise_weight, c)) }
}

struct BackwardTask<'a> {
    shape: Shape,
    saved: &'a Saved,
    gradient: &'a [f32],
    project: &'a Operand,
    expand: &'a Operand,
    factor: &'a [f32],
    modulation: &'a [f32],
    learn: bool,
    first_row: usize,
    inner: &'a mut [f32],
}

impl Job for BackwardTask<'_> {
    type Output = Sums;
    #[inline(always)]
    fn run<S: Simd>(self) -> Sums {
        let Shape { batch, width, height, channels: c, precision, .. } = self.shape;
        let mut sums = Sums::zeros(c, batch, self.learn);
        let tile = self.shape.tile_rows() * width;
        let mut scratch = Scratch::take();
        let ([y, g, dy, dg], packed) = scratch.slices_and_spare([tile * c, tile * 2 * c, tile * c, tile * 2 * c]);
        let mut first = self.first_row * width;
        for inner in self.inner.chunks_mut(tile * c) {
            let n = inner.len() / c;
            let pixels = first * c..(first + n) * c;
            let gradient = &self.gradient[pixels.clone()];
            let normalised = &self.saved.normalised[pixels];
            let hidden = &self.saved.hidden[first * 2 * c..(first + n) * 2 * c];
            let (g, dg) = (&mut g[..n * 2 * c], &mut dg[..n * 2 * c]);
            let after = Matrix::new(gradient, n, c, c);
            self.project.multiply::<S>(after, 0..c, Start::Zero, MatrixMut::new(dg, n, 2 * c, 2 * c));
            gelu_backward::<S>(hidden, g, dg);
            if let Some(sums) = &mut sums.weights {
                let (left, out) = (Matrix::new(g, n, 2 * c, 2 * c), MatrixMut::new(&mut sums.project, 2 * c, c, c));
                multiply_transposed_in::<S>(precision, left, after, Start::Output, out, packed);
                for pixel in gradient.chunks_exact(c) {
                    accumulate::<S>(pixel, &mut sums.output);
                }
                for pixel in dg.chunks_exact(2 * c) {
                    accumulate::<S>(pixel, &mut sums.expand_bias);
                }
                for (i, (x, y)) in normalised.chunks_exact(c).zip(y.chunks_exact_mut(c)).enumerate() {
                    let image = (first + i) / (height * width);
                    let (shift, factor) = (&self.modulation[image * 2 * c..][..c], &self.factor[image * c..][..c]);
                    pointwise::affine::<S>(x, factor, shift, y);
                }
                let (left, right) = (Matrix::new(y, n, c, c), Matrix::new(dg, n, 2 * c, 2 * c));
                let out = MatrixMut::new(&mut sums.expand, c, 2 * c, 2 * c);
                multiply_transposed_in::<S>(precision, left, right, Start::Output, out, packed);
            }
            let left = Matrix::new(dg, n, 2 * c, 2 * c);
            self.expand.multiply::<S>(left, 0..2 * c, Start::Zero, MatrixMut::new(dy, n, c, c));
            for (i, out) in inner.chunks_exact_mut(c).enumerate() {
                let image = (first + i) / (height * width);
                let at: Range<usize> = i * c..(i + 1) * c;
                let (shift, scale) = sums.modulation[image * 2 * c..][..2 * c].split_at_mut(c);
                let factor = &self.factor[image * c..][..c];
                let inverse = self.saved.inverse[first + i];
                normalise_backward::<S>(&dy[at.clone()], &normalised[at], factor, inverse, shift, scale, out);
                if let Some(sums) = &mut sums.weights {
                    accumulate::<S>(out, &mut sums.depthwise_bias);
                }
            }
            first += n;
        }
        sums
    }
}

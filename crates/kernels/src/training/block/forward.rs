//! The forward pass of the block.

use super::extents::{Saved, Shape, Weights, factors};
use crate::product::{Matrix, MatrixMut, Operand, Packed, Start};
use crate::simd::{Job, Simd};
use crate::training::convolve;
use crate::training::depthwise::Padded;
use crate::training::parts::in_mixed_parts;
use crate::training::pointwise;
use crate::training::run::run;
use crate::training::scratch::Scratch;

/// Forward pass. `x` is `[batch, height, width, C]`, `modulation` `[batch, 2C]`: shift, then scale.
/// Returns the output, of the shape of `x`.
pub fn forward(shape: Shape, w: Weights, x: &[f32], modulation: &[f32]) -> (Vec<f32>, Saved) {
    let c = shape.channels;
    let padded = Padded::new(x, shape.height, shape.width, c, shape.kernel / 2);
    let (expand, project) = rayon::join(
        || Operand::new(Packed::new(w.expand_weight, c, 2 * c), c, shape.precision),
        || Operand::new(Packed::new(w.project_weight, 2 * c, c), 2 * c, shape.precision),
    );
    let factor = factors(modulation, c);
    let pixels = shape.rows() * shape.width;
    let tile = shape.tile_rows() * shape.width;
    let saved = ([pixels * c, pixels, pixels * 2 * c], [tile * c, tile, tile * 2 * c]);
    let ([out], [normalised, inverse, hidden], _) =
        in_mixed_parts(([pixels * c], [tile * c]), saved, |i, [out], [normalised, inverse, hidden]| {
            let x = &x[i * tile * c..][..out.len()];
            let first_row = i * shape.tile_rows();
            let (padded, expand, project, factor) = (&padded, &expand, &project, &factor);
            run(ForwardTile {
                shape,
                w,
                padded,
                expand,
                project,
                factor,
                modulation,
                first_row,
                x,
                out,
                normalised,
                inverse,
                hidden,
            });
        });
    (out, Saved { normalised, inverse, hidden })
}

struct ForwardTile<'a> {
    shape: Shape,
    w: Weights<'a>,
    padded: &'a Padded,
    expand: &'a Operand,
    project: &'a Operand,
    factor: &'a [f32],
    modulation: &'a [f32],
    first_row: usize,
    x: &'a [f32],
    out: &'a mut [f32],
    normalised: &'a mut [f32],
    inverse: &'a mut [f32],
    hidden: &'a mut [f32],
}

impl Job for ForwardTile<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Shape { width, height, channels: c, kernel, .. } = self.shape;
        let n = self.inverse.len();
        let mut scratch = Scratch::take();
        let [y, g] = scratch.slices([n * c, n * 2 * c]);
        let taps = self.padded.taps(self.first_row, n / width);
        let (weight, bias) = (self.w.depthwise_weight, self.w.depthwise_bias);
        convolve::rows::<S>(&taps, kernel, c, weight, bias, self.normalised, width);
        for (i, row) in self.normalised.chunks_exact_mut(width * c).enumerate() {
            let image = (self.first_row + i) / height;
            let factor = &self.factor[image * c..][..c];
            let shift = &self.modulation[image * 2 * c..][..c];
            let pixels = row.chunks_exact_mut(c).zip(&mut self.inverse[i * width..]);
            for ((pixel, inverse), y) in pixels.zip(y[i * width * c..].chunks_exact_mut(c)) {
                *inverse = pointwise::normalise::<S>(pixel);
                pointwise::affine::<S>(pixel, factor, shift, y);
            }
        }
        let start = Start::Bias(self.w.expand_bias);
        let (left, out) = (Matrix::new(y, n, c, c), MatrixMut::new(self.hidden, n, 2 * c, 2 * c));
        self.expand.multiply::<S>(left, 0..c, start, out);
        pointwise::gelu_into::<S>(self.hidden, g);
        let start = Start::Bias(self.w.project_bias);
        let (left, out) = (Matrix::new(g, n, 2 * c, 2 * c), MatrixMut::new(y, n, c, c));
        self.project.multiply::<S>(left, 0..2 * c, start, out);
        for ((out, y), x) in self.out.chunks_exact_mut(c).zip(y.chunks_exact(c)).zip(self.x.chunks_exact(c)) {
            pointwise::residual_into::<S>(x, y, self.w.layer_scale, out);
        }
    }
}

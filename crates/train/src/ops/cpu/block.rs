//! The λ-conditioned ConvNeXt block, forward and backward, over a batch.

use std::ops::Range;

use heirloom_kernels::gemm::{Left, Packed, Start};
use heirloom_kernels::{Job, Simd, depthwise, pointwise};
use rayon::prelude::*;

use super::super::Precision;
use super::depthwise::{Padded, weight_gradient};
use super::parts::{AlignedVec, in_aligned_parts, in_mixed_parts, in_parts};
use super::pointwise::{accumulate, gelu_backward, normalise_backward};
use super::product::{Right, multiply, multiply_transposed};
use super::run;
use super::scratch::Scratch;

/// Pixels of one tile, about.
const TILE_PIXELS: usize = 128;

/// Extents of the batch: x is `[batch, height, width, channels]`.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub batch: usize,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub kernel: usize,
    pub precision: Precision,
}

impl Shape {
    fn rows(&self) -> usize {
        self.batch * self.height
    }

    fn row(&self) -> usize {
        self.width * self.channels
    }

    fn tile_rows(&self) -> usize {
        (TILE_PIXELS / self.width).max(1)
    }

    /// Rows of one backward task: several tiles, few enough tasks that summing their gradients costs little, and a
    /// function of the shape alone, so that sums do not depend on the machine.
    fn task_rows(&self) -> usize {
        let tasks = (self.rows() * self.width / 256).clamp(2, 8);
        self.rows().div_ceil(tasks).next_multiple_of(self.tile_rows())
    }
}

/// The block's tensors, shapes as in the model file.
#[derive(Clone, Copy)]
pub struct Weights<'a> {
    pub depthwise_weight: &'a [f32],
    pub depthwise_bias: &'a [f32],
    pub expand_weight: &'a [f32],
    pub expand_bias: &'a [f32],
    pub project_weight: &'a [f32],
    pub project_bias: &'a [f32],
    pub layer_scale: &'a [f32],
}

/// What the backward pass needs of the forward pass.
#[derive(Debug)]
pub struct Saved {
    /// Output of the layer norm, `[pixels, C]`.
    normalised: AlignedVec,
    /// 1/√(variance + ε), `[pixels]`.
    inverse: AlignedVec,
    /// Input of the GELU, `[pixels, 2C]`.
    hidden: AlignedVec,
}

/// Gradients of everything that enters the block.
#[derive(Clone, Debug)]
pub struct Gradients {
    pub x: Vec<f32>,
    pub modulation: Vec<f32>,
    /// None where the weights do not learn.
    pub weights: Option<WeightGradients>,
}

/// Gradients of the block's own tensors.
#[derive(Clone, Debug)]
pub struct WeightGradients {
    pub depthwise_weight: Vec<f32>,
    pub depthwise_bias: Vec<f32>,
    pub expand_weight: Vec<f32>,
    pub expand_bias: Vec<f32>,
    pub project_weight: Vec<f32>,
    pub project_bias: Vec<f32>,
    pub layer_scale: Vec<f32>,
}

/// Forward pass. `modulation` is `[batch, 2C]`: shift, then scale.
pub fn forward(shape: Shape, w: Weights, x: &[f32], modulation: &[f32]) -> (Vec<f32>, Saved) {
    let c = shape.channels;
    let padded = Padded::new(x, shape.height, shape.width, c, shape.kernel / 2);
    let (expand, project) = rayon::join(
        || Right::new(Packed::new(w.expand_weight, c, 2 * c), c, shape.precision),
        || Right::new(Packed::new(w.project_weight, 2 * c, c), 2 * c, shape.precision),
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

/// `1 + scale` per image and channel, `[batch, C]`.
fn factors(modulation: &[f32], c: usize) -> Vec<f32> {
    modulation.chunks_exact(2 * c).flat_map(|image| image[c..].iter().map(|scale| 1.0 + scale)).collect()
}

struct ForwardTile<'a> {
    shape: Shape,
    w: Weights<'a>,
    padded: &'a Padded,
    expand: &'a Right,
    project: &'a Right,
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
        let [y, g, ..] = scratch.slices([n * c, n * 2 * c, 0, 0]);
        let taps = self.padded.taps(self.first_row, n / width);
        let (weight, bias) = (self.w.depthwise_weight, self.w.depthwise_bias);
        depthwise::rows::<S>(&taps, kernel, c, weight, bias, self.normalised, width);
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
        multiply::<S>(n, Left::rows(y, c), self.expand, 0..c, start, self.hidden, 2 * c);
        pointwise::gelu_into::<S>(self.hidden, g);
        let start = Start::Bias(self.w.project_bias);
        multiply::<S>(n, Left::rows(g, 2 * c), self.project, 0..2 * c, start, y, c);
        for ((out, y), x) in self.out.chunks_exact_mut(c).zip(y.chunks_exact(c)).zip(self.x.chunks_exact(c)) {
            pointwise::residual_into::<S>(x, y, self.w.layer_scale, out);
        }
    }
}

/// Backward pass: `gradient` is that of the output. Unless the weights `learn`, the half of the work that goes into their
/// gradients is left out.
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
    // The layer scale is folded into the projection: its own gradient follows from the folded weight's.
    let (project, expand) = rayon::join(
        || {
            let mut project = Packed::transposed(w.project_weight, c, c, 2 * c);
            project.scale_rows(w.layer_scale);
            Right::new(project, c, shape.precision)
        },
        || Right::new(Packed::transposed(w.expand_weight, 2 * c, 2 * c, c), 2 * c, shape.precision),
    );
    let rows = shape.task_rows();
    let ([inner], sums) = in_aligned_parts([x.len()], [rows * shape.row()], |task, [inner]| {
        let (project, expand, factor) = (&project, &expand, &factor);
        let first_row = task * rows;
        run(BackwardTask { shape, saved, gradient, project, expand, factor, modulation, learn, first_row, inner })
    });
    let sums = Sums::total(sums);

    let (x, depthwise_weight) = depthwise_backward(shape, w.depthwise_weight, learn.then_some(x), &inner, gradient);
    let Sums { modulation, weights } = sums;
    Gradients { x, modulation, weights: weights.map(|sums| weight_gradients(w, sums, depthwise_weight, c)) }
}

/// Undoes the folding of the layer scale.
fn weight_gradients(w: Weights, sums: WeightSums, depthwise_weight: Vec<f32>, c: usize) -> WeightGradients {
    let mut layer_scale: Vec<f32> = w.project_bias.iter().zip(&sums.output).map(|(b, s)| b * s).collect();
    let mut project_weight = sums.project;
    for (weights, gradients) in w.project_weight.chunks_exact(c).zip(project_weight.chunks_exact_mut(c)) {
        for i in 0..c {
            layer_scale[i] += weights[i] * gradients[i];
            gradients[i] *= w.layer_scale[i];
        }
    }
    WeightGradients {
        depthwise_weight,
        depthwise_bias: sums.depthwise_bias,
        expand_weight: sums.expand,
        expand_bias: sums.expand_bias,
        project_weight,
        project_bias: sums.output.iter().zip(w.layer_scale).map(|(s, g)| s * g).collect(),
        layer_scale,
    }
}

/// Sums over pixels that one task collects.
struct Sums {
    modulation: Vec<f32>,
    weights: Option<WeightSums>,
}

/// Those that the weights' gradients are made of.
struct WeightSums {
    /// Gelu output × output gradient, `[2C, C]`: the projection's gradient but for the layer scale.
    project: Vec<f32>,
    /// Output gradient, `[C]`.
    output: Vec<f32>,
    expand: Vec<f32>,
    expand_bias: Vec<f32>,
    depthwise_bias: Vec<f32>,
}

impl Sums {
    fn zeros(c: usize, batch: usize, learn: bool) -> Sums {
        let weights = learn.then(|| WeightSums {
            project: vec![0.0; 2 * c * c],
            output: vec![0.0; c],
            expand: vec![0.0; 2 * c * c],
            expand_bias: vec![0.0; 2 * c],
            depthwise_bias: vec![0.0; c],
        });
        Sums { modulation: vec![0.0; batch * 2 * c], weights }
    }

    /// Adds the tasks' sums in their order.
    fn total(sums: Vec<Sums>) -> Sums {
        let mut sums = sums.into_iter();
        let mut total = sums.next().unwrap_or_else(|| Sums::zeros(0, 0, false));
        for next in sums {
            add(&next.modulation, &mut total.modulation);
            if let (Some(to), Some(from)) = (&mut total.weights, next.weights) {
                add(&from.project, &mut to.project);
                add(&from.output, &mut to.output);
                add(&from.expand, &mut to.expand);
                add(&from.expand_bias, &mut to.expand_bias);
                add(&from.depthwise_bias, &mut to.depthwise_bias);
            }
        }
        total
    }
}

fn add(from: &[f32], to: &mut [f32]) {
    to.par_chunks_mut(1 << 14).zip(from.par_chunks(1 << 14)).for_each(|(to, from)| {
        for (to, from) in to.iter_mut().zip(from) {
            *to += from;
        }
    });
}

struct BackwardTask<'a> {
    shape: Shape,
    saved: &'a Saved,
    gradient: &'a [f32],
    project: &'a Right,
    expand: &'a Right,
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
            multiply::<S>(n, Left::rows(gradient, c), self.project, 0..c, Start::Zero, dg, 2 * c);
            gelu_backward::<S>(hidden, g, dg);
            if let Some(sums) = &mut sums.weights {
                let (m2, start) = (&mut sums.project, Start::Output);
                multiply_transposed::<S>(precision, 2 * c, n, c, g, 2 * c, gradient, c, start, m2, c, packed);
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
                let (w1, start) = (&mut sums.expand, Start::Output);
                multiply_transposed::<S>(precision, c, n, 2 * c, y, c, dg, 2 * c, start, w1, 2 * c, packed);
            }
            multiply::<S>(n, Left::rows(dg, 2 * c), self.expand, 0..2 * c, Start::Zero, dy, c);
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

/// Gradients of the depthwise convolution's input (with the residual's added) and weight; without `x`, its input, that of
/// the weight is empty.
fn depthwise_backward(
    shape: Shape,
    weight: &[f32],
    x: Option<&[f32]>,
    inner: &[f32],
    gradient: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let Shape { height, width, channels: c, kernel: k, .. } = shape;
    let pad = |map| Padded::new(map, height, width, c, k / 2);
    let (padded_x, padded_inner) = rayon::join(|| x.map(pad), || pad(inner));
    let flipped: Vec<f32> = weight.chunks_exact(c).rev().flatten().copied().collect();
    let rows = shape.task_rows();
    let ([dx], weights) = in_parts([inner.len()], [rows * shape.row()], |task, [dx]| {
        let (padded_x, padded_inner, flipped) = (padded_x.as_ref(), &padded_inner, &flipped);
        let first_row = task * rows;
        run(DepthwiseTask { shape, padded_x, padded_inner, flipped, inner, gradient, first_row, dx })
    });
    let mut weights = weights.into_iter();
    let mut total = weights.next().unwrap_or_default();
    for next in weights {
        add(&next, &mut total);
    }
    (dx, total)
}

struct DepthwiseTask<'a> {
    shape: Shape,
    padded_x: Option<&'a Padded>,
    padded_inner: &'a Padded,
    flipped: &'a [f32],
    inner: &'a [f32],
    gradient: &'a [f32],
    first_row: usize,
    dx: &'a mut [f32],
}

impl Job for DepthwiseTask<'_> {
    type Output = Vec<f32>;
    #[inline(always)]
    fn run<S: Simd>(self) -> Vec<f32> {
        let Shape { width, channels: c, kernel: k, .. } = self.shape;
        let row = width * c;
        let zeros = vec![0.0; c];
        let mut weight = vec![0.0; if self.padded_x.is_some() { k * k * c } else { 0 }];
        let tile = self.shape.tile_rows();
        for (i, dx) in self.dx.chunks_mut(tile * row).enumerate() {
            let (first, count) = (self.first_row + i * tile, dx.len() / row);
            let pixels = first * row..(first + count) * row;
            depthwise::rows::<S>(&self.padded_inner.taps(first, count), k, c, self.flipped, &zeros, dx, width);
            accumulate::<S>(&self.gradient[pixels.clone()], dx);
            if let Some(padded_x) = self.padded_x {
                weight_gradient::<S>(&padded_x.taps(first, count), k, &self.inner[pixels], width, c, &mut weight);
            }
        }
        weight
    }
}

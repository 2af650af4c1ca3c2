//! The backward pass of the block's depthwise convolution.

use super::extents::Shape;
use super::gradients::add;
use crate::simd::{Job, Simd};
use crate::training::convolve;
use crate::training::depthwise::{Padded, weight_gradient};
use crate::training::parts::in_parts;
use crate::training::pointwise::accumulate;
use crate::training::run::run;

/// Gradients of the depthwise convolution's input, with that of the residual added, and of its
/// weight. Without `x`, its input, the latter is empty.
pub fn backward(
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
        run(ConvolutionTask { shape, padded_x, padded_inner, flipped, inner, gradient, first_row, dx })
    });
    let mut weights = weights.into_iter();
    let mut total = weights.next().unwrap_or_default();
    for next in weights {
        add(&next, &mut total);
    }
    (dx, total)
}

struct ConvolutionTask<'a> {
    shape: Shape,
    padded_x: Option<&'a Padded>,
    padded_inner: &'a Padded,
    flipped: &'a [f32],
    inner: &'a [f32],
    gradient: &'a [f32],
    first_row: usize,
    dx: &'a mut [f32],
}

impl Job for ConvolutionTask<'_> {
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
            convolve::rows::<S>(&self.padded_inner.taps(first, count), k, c, self.flipped, &zeros, dx, width);
            accumulate::<S>(&self.gradient[pixels.clone()], dx);
            if let Some(padded_x) = self.padded_x {
                weight_gradient::<S>(&padded_x.taps(first, count), k, &self.inner[pixels], width, c, &mut weight);
            }
        }
        weight
    }
}

//! The prior of the hyper-latent: one learned distribution per channel (Ballé et al., 2018,
//! appendix 6.1).

use std::f32::consts::LN_2;

use burn::tensor::{Tensor, activation};

use super::{
    bound::at_least,
    declaration::{Declaration, Start},
};
use crate::model::parameters::{MatrixId, Weights};

/// Values per channel between the layers of its cumulative distribution.
const WIDTHS: [usize; 6] = [1, 3, 3, 3, 3, 1];
const LAYERS: usize = WIDTHS.len() - 1;
/// Approximate width of the initial distributions.
const INITIAL_WIDTH: f32 = 10.0;
/// Lower bound of probabilities.
const MIN_PROBABILITY: f32 = 1e-9;

/// Cumulative distributions as small monotonic perceptrons.
pub struct Factorised {
    /// `[C, out · in]` each.
    matrices: [MatrixId; LAYERS],
    /// `[C, out]` each.
    biases: [MatrixId; LAYERS],
    factors: [MatrixId; LAYERS - 1],
    /// `[C, 3]`: low end, median and high end of each channel's distribution. Only the median is
    /// used, as the origin of rounding; it does not learn and stays 0.
    quantiles: MatrixId,
}

impl Factorised {
    /// Declares the prior of this many channels.
    pub fn new(d: &mut Declaration, channels: usize) -> Self {
        let mut layer = |part: &str, i: usize, values: usize, start: Start| {
            d.matrix(format!("entropy.prior.{part}{i}"), channels, values, start)
        };
        let step = INITIAL_WIDTH.powf(1.0 / LAYERS as f32);
        // Its softplus, summed over a layer's outputs, divides by `step`.
        let slope = |i: usize| (1.0 / step / WIDTHS[i + 1] as f32).exp_m1().ln();
        Self {
            matrices: std::array::from_fn(|i| layer("matrix", i, WIDTHS[i] * WIDTHS[i + 1], Start::Value(slope(i)))),
            biases: std::array::from_fn(|i| layer("bias", i, WIDTHS[i + 1], Start::Centred)),
            factors: std::array::from_fn(|i| layer("factor", i, WIDTHS[i + 1], Start::Value(0.0))),
            quantiles: d.matrix(
                "entropy.prior.quantiles".into(),
                channels,
                3,
                Start::Rows([-INITIAL_WIDTH, 0.0, INITIAL_WIDTH]),
            ),
        }
    }

    /// Medians, `[1, 1, 1, C]`.
    pub fn medians(&self, w: &Weights) -> Tensor<4> {
        let quantiles = w.matrix(self.quantiles);
        let channels = quantiles.dims()[0];
        quantiles.slice([0..channels, 1..2]).reshape([1, 1, 1, channels])
    }

    /// Bits of each value of `[B, H, W, C]`, that is, of the unit-wide bin around it.
    pub fn bits(&self, w: &Weights, z: Tensor<4>) -> Tensor<4> {
        let [b, h, width, c] = z.dims();
        let columns = z.permute([3, 0, 1, 2]).reshape([c, 1, b * h * width]);
        let lower = self.logits(w, columns.clone().sub_scalar(0.5));
        let upper = self.logits(w, columns.add_scalar(0.5));
        // On the side where both are small, their difference keeps its precision.
        let sign = (lower.clone() + upper.clone()).sign().neg().detach();
        let p = activation::sigmoid(upper * sign.clone()) - activation::sigmoid(lower * sign);
        let bits = at_least(p.abs(), MIN_PROBABILITY).log().mul_scalar(-1.0 / LN_2);
        bits.reshape([c, b, h, width]).permute([1, 2, 3, 0])
    }

    /// Cumulative distributions before the sigmoid, `[C, 1, L]`.
    fn logits(&self, w: &Weights, x: Tensor<3>) -> Tensor<3> {
        let channels = x.dims()[0];
        (0..LAYERS).fold(x, |x, i| {
            let (inputs, outputs) = (WIDTHS[i], WIDTHS[i + 1]);
            let column = |id: MatrixId| w.matrix(id).reshape([channels, outputs, 1]);
            let matrix = activation::softplus(w.matrix(self.matrices[i]), 1.0).reshape([channels, outputs, inputs]);
            let y = matrix.matmul(x) + column(self.biases[i]);
            match self.factors.get(i) {
                Some(factor) => y.clone() + activation::tanh(column(*factor)) * activation::tanh(y),
                None => y,
            }
        })
    }
}

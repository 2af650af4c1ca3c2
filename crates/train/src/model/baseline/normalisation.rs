//! Divisive normalisation (GDN).

use burn::tensor::Tensor;

use super::{
    bound::at_least,
    declaration::{Declaration, Start},
};
use crate::{
    model::parameters::{MatrixId, VectorId, Weights},
    ops::{self, Passes},
};

/// Added before the square root that is stored is taken, so that no gradient vanishes at zero.
const PEDESTAL: f32 = 1.0 / (1u64 << 36) as f32;
/// Least stored γ, which stands for 0.
const LEAST_GAMMA: f32 = 1.0 / (1u64 << 18) as f32;
/// Least effective β.
const LEAST_BETA: f32 = 1e-6;

/// Divisive normalisation (Ballé et al., 2016, "Density modeling of images using a generalized
/// normalization transformation"): x / √(β + γ x²), with γ over the channels of a pixel; or its
/// approximate inverse, x · √(β + γ x²).
pub struct Normalisation {
    gamma: MatrixId,
    beta: VectorId,
    inverse: bool,
}

impl Normalisation {
    /// Declares `name.gamma`, whose rows are the channels that are squared, and `name.beta`.
    pub fn new(d: &mut Declaration, name: &str, channels: usize, inverse: bool) -> Self {
        let stored = |effective: f32| (effective + PEDESTAL).sqrt();
        let start = Start::Diagonal(stored(0.1), stored(0.0));
        Self {
            gamma: d.matrix(format!("{name}.gamma"), channels, channels, start),
            beta: d.vector(format!("{name}.beta"), channels, Start::Value(stored(1.0))),
            inverse,
        }
    }

    /// Least stored value of the parameter called `name`, if it belongs to a normalisation.
    pub fn least(name: &str) -> Option<f32> {
        if name.ends_with(".gamma") {
            Some(LEAST_GAMMA)
        } else {
            name.ends_with(".beta").then(|| (LEAST_BETA + PEDESTAL).sqrt())
        }
    }

    /// Normalises `[B, H, W, C]`.
    pub fn run(&self, w: &Weights, x: Tensor<4>) -> Tensor<4> {
        let gamma = at_least(w.matrix(self.gamma), LEAST_GAMMA).square().sub_scalar(PEDESTAL);
        let beta = at_least(w.vector(self.beta), (LEAST_BETA + PEDESTAL).sqrt()).square().sub_scalar(PEDESTAL);
        let norm = ops::dense(vec![x.clone().square()], gamma, beta, Passes::SINGLE).sqrt();
        if self.inverse { x * norm } else { x / norm }
    }
}

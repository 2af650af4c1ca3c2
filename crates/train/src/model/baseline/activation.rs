//! Activations, and the affine map by which λ acts on their result.

use burn::tensor::Tensor;

use super::{declaration::Declaration, normalisation::Normalisation};
use crate::{
    model::{linear::LinearIds, parameters::Weights},
    ops,
};

/// Slope of LeakyReLU below zero.
const LEAK: f32 = 0.01;

/// The activation function.
pub enum Function {
    None,
    /// LeakyReLU.
    Leaky,
    Normalise(Normalisation),
}

/// An activation function followed by the affine map x · (1 + scale) + shift per channel, which
/// depends on λ.
pub struct ConditionedActivation {
    function: Function,
    affine: Option<LinearIds>,
}

impl ConditionedActivation {
    /// The identity.
    pub fn none() -> Self {
        Self { function: Function::None, affine: None }
    }

    /// Declares the affine map `name`, if the system follows λ.
    pub fn new(d: &mut Declaration, name: &str, channels: usize, function: Function) -> Self {
        let affine = d.embedding.map(|embedding| {
            // The input, GELU of an embedding, is small: this keeps shift and scale well below 1.
            let deviation = 0.5 * (1.0 / embedding as f32).sqrt();
            d.linear(name, embedding, 2 * channels, deviation)
        });
        Self { function, affine }
    }

    /// Activates `[B, H, W, C]`. `activated` is the branch's embedding of λ, `[B, E]`; none without
    /// λ.
    pub fn run(&self, w: &Weights, activated: Option<&Tensor<2>>, x: Tensor<4>) -> Tensor<4> {
        let x = match &self.function {
            Function::None => x,
            Function::Leaky => ops::leaky(x, LEAK),
            Function::Normalise(normalisation) => normalisation.run(w, x),
        };
        let (Some(affine), Some(activated)) = (&self.affine, activated) else { return x };
        ops::modulate(x, affine.linear(w, activated.clone()))
    }
}

//! What trainer, replay and evaluation know of a model. The proposed network and every baseline are a [`System`].
//!
//! The names of a system's parameters begin with the branch that they are of: `encoder.` (what chooses latents), `entropy.` (what
//! reads them: hyper-synthesis, priors, context, and the λ perceptron before them) or `reconstruction.` (what turns them into a
//! image). So every strategy of learning freezes the same beginnings of names in every system
//! ([`crate::replay::Learn::frozen`]), and `encoder.lambda.fc1.weight` and its like are the weights that are rescaled where the
//! range of λ grows.

use burn::tensor::{Device, Tensor};
use heirloom_codec::model::LambdaRanges;

use super::{Layout, Quantise, Weights, initial::Initial};
use crate::{Result, TrainError};

/// Latents, and what else of the entropy branch the reconstruction reads.
#[derive(Clone)]
pub struct Seen {
    /// Coarsest first, `[B, H/s, W/s, Z]` each.
    pub latents: Vec<Tensor<4>>,
    /// Features of the entropy branch; none where latents are all that is read.
    pub features: Vec<Tensor<4>>,
}

impl Seen {
    /// The finest latent, and where all of them are.
    pub(super) fn last(&self) -> Result<(Tensor<4>, Device)> {
        let last = self.latents.last().ok_or_else(|| TrainError::Data("there are no latents to reconstruct".into()))?;
        Ok((last.clone(), last.device()))
    }

    /// The same tensors, changed.
    #[must_use]
    pub fn map(self, change: impl Fn(Tensor<4>) -> Tensor<4>) -> Self {
        let all = |tensors: Vec<Tensor<4>>| tensors.into_iter().map(&change).collect();
        Self { latents: all(self.latents), features: all(self.features) }
    }
}

/// Images through the whole system.
pub struct Coded {
    /// Estimated bits of all latents per image, `[B]`.
    pub bits: Tensor<1>,
    /// What the branches saw of the latents.
    pub seen: Seen,
    /// `[B, H, W, 3]`, in [-1, 1] if it were perfect.
    pub image: Tensor<4>,
}

/// A model for learned compression as a training graph: where each of its layers finds its parameters.
///
/// Images are `[B, H, W, 3]` in [-1, 1], height and width multiples of 64, with one λ each. `ranges` are those to which λ is clamped
/// before it reaches the entropy and the reconstruction branch; none for no clamping.
pub trait System {
    /// A flat buffer of start values.
    fn initial(&self, layout: &Layout, start: Initial) -> Vec<f32>;

    /// Images to latents, their bits, and images.
    fn code(
        &self,
        w: &Weights,
        images: Tensor<4>,
        lambdas: &[f32],
        ranges: Option<&LambdaRanges>,
        quantise: Quantise,
    ) -> Coded;

    /// Images to rounded latents, as in a file.
    fn latents(&self, w: &Weights, images: Tensor<4>, lambdas: &[f32], ranges: Option<&LambdaRanges>) -> Seen;

    /// What the entropy branch makes of latents that are known, as of a file: coarsest first, on the device of the weights.
    fn understand(&self, w: &Weights, latents: Vec<Tensor<4>>, lambdas: &[f32], ranges: Option<&LambdaRanges>) -> Seen;

    /// Latents to images.
    ///
    /// # Errors
    /// No latents.
    fn reconstruct(&self, w: &Weights, seen: Seen, lambdas: &[f32], ranges: Option<&LambdaRanges>)
    -> Result<Tensor<4>>;

    /// Whether a matrix lies between feature maps, so that orthogonalised momentum suits it; not so those that see only λ, single
    /// channels or pixels.
    fn between_features(&self, name: &str) -> bool;

    /// Takes out of a gradient (flat, as `values`) what would carry parameters further beyond their bounds.
    fn hold(&self, _layout: &Layout, _values: &[f32], _gradient: &mut [f32]) {}
}

//! A learned codec as trainer, replay and evaluation see it. The proposed network and every
//! baseline are a [`System`].
//!
//! The names of a system's parameters begin with their branch: `encoder.` (which chooses latents),
//! `entropy.` (which decodes them: hyper-synthesis, priors, context, and their λ perceptron) or
//! `reconstruction.` (which turns them into an image). So every strategy of learning freezes the
//! same prefixes in every system, and the weights that are rescaled when the range of λ grows have
//! the same names, such as `encoder.lambda.fc1.weight`.

use burn::tensor::{Device, Tensor};
use heirloom_codec::model::LambdaRanges;

use super::{
    initial::Initial,
    parameters::{Layout, Weights},
    quantise::Quantise,
};
use crate::error::{Result, TrainError};

/// Input of the reconstruction branch: latents, and features of the entropy branch.
#[derive(Clone)]
pub struct LatentState {
    /// Coarsest first, `[B, H/s, W/s, Z]` each.
    pub latents: Vec<Tensor<4>>,
    /// Features of the entropy branch; empty where the reconstruction reads latents only.
    pub features: Vec<Tensor<4>>,
}

impl LatentState {
    /// The finest latent, and the device of all of them.
    pub(super) fn last(&self) -> Result<(Tensor<4>, Device)> {
        let last = self.latents.last().ok_or_else(|| TrainError::Data("there are no latents to reconstruct".into()))?;
        Ok((last.clone(), last.device()))
    }

    /// Applies `change` to every tensor.
    #[must_use]
    pub fn map(self, change: impl Fn(Tensor<4>) -> Tensor<4>) -> Self {
        let all = |tensors: Vec<Tensor<4>>| tensors.into_iter().map(&change).collect();
        Self { latents: all(self.latents), features: all(self.features) }
    }
}

/// Result of coding images with the whole system.
pub struct Coded {
    /// Estimated bits of all latents per image, `[B]`.
    pub bits: Tensor<1>,
    /// Latents as the branches saw them.
    pub latents: LatentState,
    /// `[B, H, W, 3]`; values may exceed [-1, 1].
    pub image: Tensor<4>,
}

/// A learned codec as a training graph, which knows where each of its layers finds its parameters.
///
/// Images are `[B, H, W, 3]` in [-1, 1], with one λ each; height and width are multiples of 64.
/// `ranges` are the ranges to which λ is clamped before it reaches the entropy and the
/// reconstruction branch; none for no clamping.
pub trait System {
    /// Initial values of all parameters, flat.
    fn initial(&self, layout: &Layout, start: Initial) -> Vec<f32>;

    /// Codes images: latents, their bits, and reconstructed images.
    fn code(
        &self,
        w: &Weights,
        images: Tensor<4>,
        lambdas: &[f32],
        ranges: Option<&LambdaRanges>,
        quantise: Quantise,
    ) -> Coded;

    /// Encodes images to rounded latents, as in a file.
    fn latents(&self, w: &Weights, images: Tensor<4>, lambdas: &[f32], ranges: Option<&LambdaRanges>) -> LatentState;

    /// Computes the entropy branch's features of given latents, such as those of a file: coarsest
    /// first, on the device of the weights.
    fn with_features(
        &self,
        w: &Weights,
        latents: Vec<Tensor<4>>,
        lambdas: &[f32],
        ranges: Option<&LambdaRanges>,
    ) -> LatentState;

    /// Reconstructs images from latents.
    ///
    /// # Errors
    /// No latents.
    fn reconstruct(
        &self,
        w: &Weights,
        latents: LatentState,
        lambdas: &[f32],
        ranges: Option<&LambdaRanges>,
    ) -> Result<Tensor<4>>;

    /// Whether a parameter is a matrix between feature maps, which orthogonalised momentum suits,
    /// rather than one that sees only λ, single channels or pixels.
    fn is_feature_matrix(&self, name: &str) -> bool;

    /// Removes from a gradient (flat, as `values`) whatever would move parameters further beyond
    /// their bounds.
    fn constrain_gradient(&self, _layout: &Layout, _values: &[f32], _gradient: &mut [f32]) {}
}

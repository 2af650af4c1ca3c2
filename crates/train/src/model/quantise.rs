//! Quantisation of the posterior means: noise in training, rounding in coding.

use burn::tensor::{Device, Tensor, TensorData};

use crate::random::Random;

/// Stream of the quantisation noise of z1; each latent level has the next one.
const NOISE_STREAM: u64 = 0x4E01_5E00;

/// Quantisation of the posterior means.
#[derive(Clone, Copy)]
pub enum Quantise<'a> {
    /// Adds uniform noise in [-1/2, 1/2), a function of seed and step. For training.
    Noise { seed: u64, step: u64 },
    /// Counts the bits of noisy latents, while both branches see rounded ones as when coding. In
    /// the backward pass, rounding is the identity (Minnen and Singh, 2020). For training.
    Mixed { seed: u64, step: u64 },
    /// Rounds as the codec does: round(q − μ) + μ.
    Round,
    /// Takes given latents, coarsest first.
    Given(&'a [Tensor<4>]),
}

impl Quantise<'_> {
    /// Quantises the posterior means `q` of a latent level: the latent that the branches see, and
    /// the latent whose bits are counted if that is a different one. `mean` computes μ of the
    /// prior, where it is needed.
    pub(super) fn apply(
        self,
        level: usize,
        q: &Tensor<4>,
        mean: impl FnOnce() -> Tensor<4>,
        device: &Device,
    ) -> (Tensor<4>, Option<Tensor<4>>) {
        match self {
            Self::Given(given) => (given[level].clone(), None),
            Self::Noise { seed, step } => (q.clone() + noise(seed, step, level, q.dims(), device), None),
            Self::Mixed { seed, step } => {
                let counted = q.clone() + noise(seed, step, level, q.dims(), device);
                let residual = (q.clone() - mean()).detach();
                (q.clone() + (residual.clone().round() - residual), Some(counted))
            }
            Self::Round => {
                let mean = mean();
                ((q.clone() - mean.clone()).round() + mean, None)
            }
        }
    }

    /// Quantises the posterior means `q` of a latent level in steps of `delta`, `[B, 1, 1, Z]`,
    /// about the `mean` of the prior: the counterpart of [`Self::apply`] where steps are learned.
    /// Without posterior means there is nothing to quantise: the latents are the most likely ones.
    ///
    /// Returns the latent that the branches see, and the latent whose bits are counted: the mean
    /// plus the residual in steps, as the scale of the prior is in steps. So rate and distortion
    /// both have a gradient by the step: that of the distortion passes through the error of
    /// rounding, which is a share of the step.
    pub(super) fn apply_in_steps(
        self,
        level: usize,
        q: Option<&Tensor<4>>,
        mean: &Tensor<4>,
        delta: &Tensor<4>,
        device: &Device,
    ) -> (Tensor<4>, Tensor<4>) {
        let in_steps = |latent: &Tensor<4>| (latent.clone() - mean.clone()) / delta.clone();
        let (q, random) = match (self, q) {
            (Self::Given(given), _) => {
                let latent = given[level].clone();
                let counted = mean.clone() + in_steps(&latent);
                return (latent, counted);
            }
            (_, None) => return (mean.clone(), mean.clone()),
            (Self::Noise { seed, step } | Self::Mixed { seed, step }, Some(q)) => {
                (q, Some(noise(seed, step, level, q.dims(), device)))
            }
            (Self::Round, Some(q)) => (q, None),
        };
        let residual = in_steps(q);
        let rounding = || {
            let fixed = residual.clone().detach();
            fixed.clone().round() - fixed
        };
        // Errors in steps: of the latent that is seen, and of that which is counted.
        let (seen, counted) = match (self, random) {
            (Self::Noise { .. }, Some(noise)) => (noise.clone(), noise),
            (_, Some(noise)) => (rounding(), noise),
            (_, None) => {
                let error = rounding();
                (error.clone(), error)
            }
        };
        (q.clone() + seen * delta.clone(), mean.clone() + residual + counted)
    }
}

fn noise(seed: u64, step: u64, level: usize, dims: [usize; 4], device: &Device) -> Tensor<4> {
    let mut values = vec![0f32; dims.iter().product()];
    Random::new(seed, NOISE_STREAM + level as u64, step).fill_centred(&mut values);
    Tensor::from_data(TensorData::new(values, dims), device)
}

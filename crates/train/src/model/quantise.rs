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
}

fn noise(seed: u64, step: u64, level: usize, dims: [usize; 4], device: &Device) -> Tensor<4> {
    let mut values = vec![0f32; dims.iter().product()];
    Random::new(seed, NOISE_STREAM + level as u64, step).fill_centred(&mut values);
    Tensor::from_data(TensorData::new(values, dims), device)
}

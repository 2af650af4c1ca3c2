//! What becomes of the latents' real values: noise in training, rounding in coding.

use burn::tensor::{Device, Tensor, TensorData};

use crate::random::Random;

/// Stream of the quantisation noise; one more per level.
const NOISE_STREAM: u64 = 0x4E01_5E00;

/// What becomes of the posterior means.
#[derive(Clone, Copy)]
pub enum Quantise<'a> {
    /// Training: uniform noise in [-1/2, 1/2), a function of seed and step.
    Noise { seed: u64, step: u64 },
    /// Training: the rate is that of noisy latents, as above, while both branches see rounded ones, as when coding. Rounding
    /// counts as the identity in the backward pass (Minnen and Singh, 2020).
    Mixed { seed: u64, step: u64 },
    /// As the codec does: round(q − μ) + μ.
    Round,
    /// The latents are given, coarsest first; posteriors are computed only if there are encoder features.
    Given(&'a [Tensor<4>]),
}

impl Quantise<'_> {
    /// What the branches see of the posterior means `q` of a level, and what the rate is taken of where that is another.
    /// `mean` is μ of the prior, asked for only where latents are rounded.
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
                let rated = q.clone() + noise(seed, step, level, q.dims(), device);
                let residual = (q.clone() - mean()).detach();
                (q.clone() + (residual.clone().round() - residual), Some(rated))
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

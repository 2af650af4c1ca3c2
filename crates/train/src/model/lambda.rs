//! Conditioning on λ: an embedding of its logarithm, and one perceptron per branch.

use burn::tensor::{Device, Tensor, TensorData};
use heirloom_codec::model::{LambdaRange, LambdaRanges, STEP_COEFFICIENTS};

use super::{linear::LinearIds, parameters::Weights};
use crate::ops;

/// The λ perceptrons, of two layers each.
pub(super) struct LambdaNet {
    /// Length of the embedding.
    pub embedding: usize,
    /// Layers for the entropy branch, the encoder and the reconstruction branch.
    pub branches: [[LinearIds; 2]; 3],
}

/// What the three branches know of λ, one row per image of a batch: GELU of the perceptrons' outputs,
/// `[B, E]` per branch.
pub struct Embeddings {
    pub entropy: Tensor<2>,
    pub encoder: Tensor<2>,
    pub reconstruction: Tensor<2>,
    /// 1, t and t² of the entropy branch's λ, `[B, 3]`, with t of `log_position`: the logarithms
    /// of its quantisation steps are linear in them.
    pub powers: Tensor<2>,
}

impl LambdaNet {
    /// Embeds one λ per image. The λ of the entropy and the reconstruction branch is clamped to
    /// `ranges`, as the codec does: a frozen branch must not see λ outside the range it was trained
    /// for. None for no clamping.
    pub fn embed(&self, w: &Weights, lambdas: &[f32], ranges: Option<&LambdaRanges>, device: &Device) -> Embeddings {
        let features = |values: &[f32]| -> Tensor<2> {
            let data = TensorData::new(lambda_features(values, self.embedding), [values.len(), self.embedding]);
            Tensor::from_data(data, device)
        };
        let powers = |values: &[f32]| -> Tensor<2> {
            let powers: Vec<f32> = values.iter().flat_map(|lambda| step_powers(*lambda)).collect();
            Tensor::from_data(TensorData::new(powers, [values.len(), STEP_COEFFICIENTS]), device)
        };
        let activated =
            |x: Tensor<2>, [fc1, fc2]: &[LinearIds; 2]| ops::gelu(fc2.linear(w, ops::gelu(fc1.linear(w, x))));
        let clamped = |range: Option<LambdaRange>| match range {
            None => lambdas.to_vec(),
            Some(range) => lambdas.iter().map(|l| range.clamp(*l)).collect(),
        };
        let entropy = clamped(ranges.map(|r| r.entropy));
        Embeddings {
            entropy: activated(features(&entropy), &self.branches[0]),
            encoder: activated(features(lambdas), &self.branches[1]),
            reconstruction: activated(features(&clamped(ranges.map(|r| r.reconstruction))), &self.branches[2]),
            powers: powers(&entropy),
        }
    }
}

/// Position of λ on a logarithmic scale: −1 at 8, 0 at 256 and 1 at 8192.
fn log_position(lambda: f32) -> f64 {
    (f64::from(lambda) / 256.0).ln() / 32f64.ln()
}

/// 1, t and t² with t of [`log_position`].
fn step_powers(lambda: f32) -> [f32; STEP_COEFFICIENTS] {
    let t = log_position(lambda);
    [1.0, t as f32, (t * t) as f32]
}

/// Fourier features [cos(v f), sin(v f)] of each λ, row by row, with v = 64 ln λ / ln 8192 and
/// f_j = 64^(−j / (E/2 − 1)).
pub fn lambda_features(lambdas: &[f32], embedding: usize) -> Vec<f32> {
    let half = embedding / 2;
    let mut out = Vec::with_capacity(lambdas.len() * embedding);
    for lambda in lambdas {
        let v = 64.0 * f64::from(*lambda).ln() / 8192f64.ln();
        let angle = |j: usize| v * 64f64.powf(-(j as f64) / (half.max(2) - 1) as f64);
        out.extend((0..half).map(|j| angle(j).cos() as f32));
        out.extend((0..half).map(|j| angle(j).sin() as f32));
    }
    out
}

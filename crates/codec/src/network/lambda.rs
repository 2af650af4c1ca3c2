//! The embedding of λ: sinusoidal features and a two-layer perceptron (Duan et al., CVPR 2024,
//! section 4.2).

use super::build::Builder;
use super::strict_math::{cos_sin, exp, ln};
use crate::model::{Branch, LambdaRange, ModelError};
use heirloom_kernels::{Engine, Linear};

/// Sinusoidal features of λ: `[cos(v·f) …, sin(v·f) …]` for v = 64·ln λ / ln 8192 and the
/// frequencies f = 64^(−j/(length/2 − 1)), j = 0 … length/2 − 1. Computed in binary64, each value
/// rounded to binary32 once.
///
/// `length` is even and at least 4; λ is positive.
#[must_use]
pub fn features(lambda: f32, length: usize) -> Vec<f32> {
    let half = length / 2;
    let v = 64.0 * ln(f64::from(lambda)) / ln(8192.0);
    let mut features = vec![0.0; length];
    let (cosines, sines) = features.split_at_mut(half);
    for (j, (cosine, sine)) in cosines.iter_mut().zip(sines).enumerate() {
        let frequency = exp(-(ln(64.0) * j as f64 / (half - 1) as f64));
        let (c, s) = cos_sin(v * frequency);
        (*cosine, *sine) = (c as f32, s as f32);
    }
    features
}

/// Where λ lies on a logarithmic scale: 0 at 256, 1 at 8192, −1 at 8. Computed in binary64.
#[must_use]
pub fn log_position(lambda: f32) -> f64 {
    (ln(f64::from(lambda)) - ln(256.0)) / ln(32.0)
}

/// The λ perceptron of one branch, and the range of λ that the branch was trained for.
#[derive(Debug)]
pub(super) struct LambdaEmbedding {
    range: LambdaRange,
    first: Linear,
    second: Linear,
    length: usize,
}

impl LambdaEmbedding {
    pub fn new(build: &mut Builder<'_>, branch: Branch, range: LambdaRange) -> Result<Self, ModelError> {
        let length = build.spec().embedding;
        let first = build.linear(&format!("{branch}.lambda.fc1"), &[length])?;
        let second = build.linear(&format!("{branch}.lambda.fc2"), &[length])?;
        Ok(Self { range, first, second, length })
    }

    /// λ within the branch's range.
    pub fn clamp(&self, lambda: f32) -> f32 {
        self.range.clamp(lambda)
    }

    /// The embedding of λ, clamped to the branch's range.
    pub fn embed(&self, engine: Engine, lambda: f32) -> Vec<f32> {
        let mut hidden = engine.dense_vector(&self.first, &features(self.range.clamp(lambda), self.length));
        engine.gelu(&mut hidden);
        engine.dense_vector(&self.second, &hidden)
    }

    /// The input of the blocks' modulations: GELU of the embedding, computed once for all blocks.
    pub fn condition(&self, engine: Engine, lambda: f32) -> Condition {
        let mut values = self.embed(engine, lambda);
        engine.gelu(&mut values);
        Condition { engine, values }
    }
}

/// The λ of a branch, ready for its blocks, and where they are computed.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub engine: Engine,
    pub values: Vec<f32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_follow_their_formula() {
        let ours = features(256.0, 16);
        let v = 64.0 * 256f64.ln() / 8192f64.ln();
        for j in 0..8 {
            let angle = v * 64f64.powf(-(j as f64) / 7.0);
            assert!((f64::from(ours[j]) - angle.cos()).abs() < 1e-7);
            assert!((f64::from(ours[8 + j]) - angle.sin()).abs() < 1e-7);
        }
    }
}

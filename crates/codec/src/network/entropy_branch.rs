//! The entropy branch: from the latents known so far to the distribution of the next. All of it is strict arithmetic,
//! and encoder and decoder walk it with the same code, so they cannot disagree about a latent.

use rayon::prelude::*;

use super::build::{Builder, ConditionedBlock, apply_all};
use super::lambda::{Condition, LambdaEmbedding};
use crate::model::{LEVELS, ModelError, Spec};
use heirloom_format::entropy::MAX_MAGNITUDE;
use heirloom_kernels::{Arithmetic, Dense, Engine, Isa, Map, Up};

/// The frozen part of a network.
#[derive(Debug)]
pub struct EntropyBranch {
    lambda: LambdaEmbedding,
    levels: Vec<EntropyLevel>,
    start_width: usize,
}

#[derive(Debug)]
struct EntropyLevel {
    blocks_in: Vec<ConditionedBlock>,
    prior_mean: Dense,
    prior_raw_scale: Dense,
    latent: Dense,
    blocks_out: Vec<ConditionedBlock>,
    up: Option<Up>,
}

/// Distribution of one latent before it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Prior {
    /// Mean μ of each value.
    pub mean: Map,
    /// Raw scale of each value: σ = exp(softplus(raw + 2.3) − 2.3).
    pub raw_scale: Map,
}

impl EntropyBranch {
    pub(super) fn new(build: &mut Builder<'_>) -> Result<Self, ModelError> {
        let spec = build.spec();
        let levels = (0..LEVELS)
            .map(|level| {
                let name = format!("entropy.z{}", level + 1);
                let stage = Spec::stage_of_level(level);
                let (width, latent) = (spec.widths[stage], spec.latents[level]);
                let [prior_mean, prior_raw_scale] = build.halves(&format!("{name}.prior"), width, latent)?;
                let up = if level + 1 < LEVELS {
                    Some(build.up(&format!("{name}.up"), width, spec.level_width(level + 1), 2)?)
                } else {
                    None
                };
                Ok(EntropyLevel {
                    blocks_in: build.blocks(&format!("{name}.in"), spec.entropy_in[level], stage)?,
                    prior_mean,
                    prior_raw_scale,
                    latent: build.dense(&format!("{name}.latent"), latent, width)?,
                    blocks_out: build.blocks(&format!("{name}.out"), spec.entropy_out[level], stage)?,
                    up,
                })
            })
            .collect::<Result<_, ModelError>>()?;
        let lambda = LambdaEmbedding::new(build, "entropy.lambda")?;
        Ok(Self { lambda, levels, start_width: spec.level_width(0) })
    }

    /// The embedding of λ, as the reference vectors have it.
    #[must_use]
    pub fn embedding(&self, engine: Engine, lambda: f32) -> Vec<f32> {
        self.lambda.embed(engine, lambda)
    }

    /// Starts a walk over z1's grid of `height` × `width` positions. λ has been clamped to the entropy branch's range.
    ///
    /// `isa` chooses the instruction set; it does not change the result. Returns `None` if this machine lacks it.
    #[must_use]
    pub fn walk(&self, isa: Isa, lambda: f32, height: usize, width: usize) -> Option<EntropyWalk<'_>> {
        let engine = Engine::at(isa, Arithmetic::Strict)?;
        Some(EntropyWalk {
            levels: &self.levels,
            condition: self.lambda.condition(engine, lambda),
            feature: Map::zeros(height, width, self.start_width),
        })
    }
}

/// A walk from z1 to z4. For each level call [`Self::prior`] (or [`Self::enter`] where the latent is known without it),
/// [`Self::absorb`] and [`Self::advance`], in this order.
#[derive(Debug)]
pub struct EntropyWalk<'a> {
    /// The current level and those after it.
    levels: &'a [EntropyLevel],
    condition: Condition,
    feature: Map,
}

impl EntropyWalk<'_> {
    /// Runs the blocks before the level's prior, but not the prior.
    pub fn enter(&mut self) {
        if let Some(level) = self.levels.first() {
            apply_all(&level.blocks_in, &self.condition, &mut self.feature);
        }
    }

    /// Runs the blocks before the level's prior, and the prior. Empty maps after the last level.
    pub fn prior(&mut self) -> Prior {
        self.enter();
        let Some(level) = self.levels.first() else {
            return Prior { mean: Map::default(), raw_scale: Map::default() };
        };
        let engine = self.condition.engine;
        Prior {
            mean: engine.dense(&level.prior_mean, &[&self.feature]),
            raw_scale: engine.dense(&level.prior_raw_scale, &[&self.feature]),
        }
    }

    /// The feature e: before [`Self::absorb`] what the prior saw, after it what the merge of the reconstruction reads.
    #[must_use]
    pub fn feature(&self) -> &Map {
        &self.feature
    }

    /// Adds the latent's projection: e ← (e + b) + z·W.
    pub fn absorb(&mut self, latent: &Map) {
        if let Some(level) = self.levels.first() {
            self.condition.engine.dense_add(&level.latent, latent, &mut self.feature);
        }
    }

    /// Goes up to the next level, or ends after the last, whose feature is dropped.
    pub fn advance(&mut self) {
        let Some((level, rest)) = self.levels.split_first() else { return };
        self.levels = rest;
        match &level.up {
            Some(up) => {
                apply_all(&level.blocks_out, &self.condition, &mut self.feature);
                self.feature = self.condition.engine.up(up, &self.feature);
            }
            None => self.feature = Map::default(),
        }
    }
}

/// Values that one task works on.
const TASK: usize = 1 << 13;

/// k = round(q − μ), ties to even, within ±[`MAX_MAGNITUDE`]; 0 for NaN. For the encoder alone.
#[must_use]
pub fn quantise(posterior_mean: &Map, prior_mean: &Map) -> Vec<i32> {
    let limit = MAX_MAGNITUDE as f32;
    let symbol = |q: f32, mean: f32| {
        // From 2^23 to 2^24 a float's last digit counts ones: the sum is rounded to an integer, ties to even. As a function
        // of its own rounding is a call into the C library on x86-64.
        const ONES: f32 = 12_582_912.0;
        (((q - mean).clamp(-limit, limit) + ONES) - ONES) as i32
    };
    let mut symbols = vec![0; posterior_mean.data.len()];
    let means = posterior_mean.data.par_chunks(TASK).zip(prior_mean.data.par_chunks(TASK));
    symbols.par_chunks_mut(TASK).zip(means).for_each(|(symbols, (posterior, prior))| {
        symbols.iter_mut().zip(posterior.iter().zip(prior)).for_each(|(k, (&q, &mean))| *k = symbol(q, mean));
    });
    symbols
}

/// z = k + μ, in place of μ. |k| ≤ [`MAX_MAGNITUDE`] is exact in binary32; the sum is rounded once.
pub fn dequantise(symbols: &[i32], prior_mean: Map) -> Map {
    let mut latent = prior_mean;
    latent.data.par_chunks_mut(TASK).zip(symbols.par_chunks(TASK)).for_each(|(values, symbols)| {
        values.iter_mut().zip(symbols).for_each(|(value, &symbol)| *value += symbol as f32);
    });
    latent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(data: &[f32]) -> Map {
        Map { height: 1, width: data.len(), channels: 1, data: data.to_vec() }
    }

    #[test]
    fn quantisation_rounds_to_even_and_never_overflows() {
        let q = row(&[0.5, 1.5, -0.5, -2.5, f32::NAN, f32::INFINITY, -1e30, 3.2]);
        let mean = row(&[0.0; 8]);
        assert_eq!(quantise(&q, &mean), [0, 2, 0, -2, 0, MAX_MAGNITUDE, -MAX_MAGNITUDE, 3]);
        let z = dequantise(&[1, -2], row(&[0.25, 0.5]));
        assert_eq!(z.data, [1.25, -1.5]);
        // More than one task, with residuals of all sizes and signs.
        let q: Vec<f32> = (0..3 * TASK + 5).map(|i| (i as f32 * 0.37).sin() * (i as f32 * 0.001).exp2()).collect();
        let mean: Vec<f32> = (0..q.len()).map(|i| (i as f32 * 0.71).cos()).collect();
        let plain = |i: usize| (q[i] - mean[i]).round_ties_even().clamp(-1048576.0, 1048576.0) as i32;
        let symbols: Vec<i32> = (0..q.len()).map(plain).collect();
        assert_eq!(quantise(&row(&q), &row(&mean)), symbols);
        let z: Vec<f32> = symbols.iter().zip(&mean).map(|(&k, mean)| mean + k as f32).collect();
        assert_eq!(dequantise(&symbols, row(&mean)).data, z);
    }
}

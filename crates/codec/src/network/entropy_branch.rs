//! The entropy branch: from the latents known so far to the distribution of the next. All of it is
//! strict arithmetic, and encoder and decoder run the same code, so they cannot disagree about a
//! latent.

use super::block::{ConditionedBlock, apply_all};
use super::build::Builder;
use super::lambda::{Condition, LambdaEmbedding};
use crate::model::{Branch, LATENT_LEVELS, LambdaRange, ModelError, Spec};
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

/// The distribution of one latent, before the latent is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Prior {
    /// Mean μ of each value.
    pub mean: Map,
    /// Raw scale of each value: σ = exp(softplus(raw + 2.3) − 2.3).
    pub raw_scale: Map,
}

impl EntropyBranch {
    pub(super) fn new(build: &mut Builder<'_>, range: LambdaRange) -> Result<Self, ModelError> {
        let spec = build.spec();
        let levels = (0..LATENT_LEVELS)
            .map(|level| {
                let name = format!("entropy.z{}", level + 1);
                let stage = Spec::stage_of_level(level);
                let (width, latent) = (spec.widths[stage], spec.latents[level]);
                let [prior_mean, prior_raw_scale] = build.halves(&format!("{name}.prior"), width, latent)?;
                let up = if level + 1 < LATENT_LEVELS {
                    Some(build.up(&format!("{name}.up"), width, spec.level_width(level + 1), 2)?)
                } else {
                    None
                };
                Ok(EntropyLevel {
                    blocks_in: ConditionedBlock::sequence(build, &format!("{name}.in"), spec.entropy_in[level], stage)?,
                    prior_mean,
                    prior_raw_scale,
                    latent: build.dense(&format!("{name}.latent"), latent, width)?,
                    blocks_out: ConditionedBlock::sequence(
                        build,
                        &format!("{name}.out"),
                        spec.entropy_out[level],
                        stage,
                    )?,
                    up,
                })
            })
            .collect::<Result<_, ModelError>>()?;
        let lambda = LambdaEmbedding::new(build, Branch::Entropy, range)?;
        Ok(Self { lambda, levels, start_width: spec.level_width(0) })
    }

    /// The embedding of λ, before the GELU of the modulations.
    #[must_use]
    pub fn embedding(&self, engine: Engine, lambda: f32) -> Vec<f32> {
        self.lambda.embed(engine, lambda)
    }

    /// Starts a walk over z1's grid of `height` × `width` positions. λ is clamped to the branch's
    /// range.
    ///
    /// The instruction set `isa` does not change the result. Returns `None` if this machine lacks
    /// it.
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

/// A walk from z1 to z4. Each latent level takes three calls, in this order: [`Self::prior`] (or
/// [`Self::enter`] if the latent is already known), [`Self::absorb`] and [`Self::advance`].
#[derive(Debug)]
pub struct EntropyWalk<'a> {
    /// The current latent level and those after it.
    levels: &'a [EntropyLevel],
    condition: Condition,
    feature: Map,
}

impl EntropyWalk<'_> {
    /// Runs the blocks before the prior, but not the prior.
    pub fn enter(&mut self) {
        if let Some(level) = self.levels.first() {
            apply_all(&level.blocks_in, &self.condition, &mut self.feature);
        }
    }

    /// Runs the blocks before the prior, and the prior. Empty maps after the last latent.
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

    /// The feature e: before [`Self::absorb`] the input of the prior, after it an input of the
    /// reconstruction's merge.
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

    /// Runs the blocks after the latent and goes up to the next latent level. After the last latent
    /// the feature is dropped.
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

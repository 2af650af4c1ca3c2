//! The entropy branch: from the latents known so far to the distribution of the next. Encoder and
//! decoder run the same code, so they cannot disagree about a latent.

use super::block::{ConditionedBlock, apply_all};
use super::build::Builder;
use super::context::Context;
use super::lambda::{Condition, LambdaEmbedding};
use super::prior::Prior;
use super::steps::Steps;
use crate::model::add_on::name_in_add_on;
use crate::model::{Branch, LATENT_LEVELS, LambdaRange, ModelError, Spec};
use heirloom_kernels::{Engine, Linear, Map};

/// The frozen part of a network.
#[derive(Debug)]
pub struct EntropyBranch {
    lambda: LambdaEmbedding,
    levels: Vec<EntropyLevel>,
    /// The heads of all levels: the branch's own, then those of each add-on.
    heads: Vec<Vec<Head>>,
    start_width: usize,
}

#[derive(Debug)]
struct EntropyLevel {
    blocks_in: Vec<ConditionedBlock>,
    latent: Linear,
    blocks_out: Vec<ConditionedBlock>,
    up: Option<Linear>,
}

/// What turns the feature of a level into distributions.
#[derive(Debug)]
struct Head {
    prior_mean: Linear,
    prior_raw_scale: Linear,
    context: Option<Context>,
    steps: Option<Steps>,
}

impl Head {
    /// The head of a level of add-on `number`; of the branch itself if it is 0.
    fn new(build: &mut Builder<'_>, level: usize, number: usize) -> Result<Self, ModelError> {
        let spec = build.spec();
        let (width, latent) = (spec.level_width(level), spec.latents[level]);
        let own = format!("entropy.z{}", level + 1);
        let name = if number == 0 { own } else { name_in_add_on(number, &own) };
        let [prior_mean, prior_raw_scale] = build.halves(&format!("{name}.prior"), width)?;
        let context = match spec.context[level] {
            0 => None,
            hidden => Some(Context::new(build, &format!("{name}.context"), width, latent, hidden)?),
        };
        let steps =
            if spec.learned_steps { Some(Steps::new(build.vector(&format!("{name}.step"))?.to_vec())) } else { None };
        Ok(Self { prior_mean, prior_raw_scale, context, steps })
    }
}

impl EntropyBranch {
    pub(super) fn new(build: &mut Builder<'_>, range: LambdaRange) -> Result<Self, ModelError> {
        let spec = build.spec();
        let levels = (0..LATENT_LEVELS)
            .map(|level| {
                let name = format!("entropy.z{}", level + 1);
                let stage = Spec::stage_of_level(level);
                let (width, latent) = (spec.widths[stage], spec.latents[level]);
                let up =
                    if level + 1 < LATENT_LEVELS { Some(build.linear(&format!("{name}.up"), &[width])?) } else { None };
                Ok(EntropyLevel {
                    blocks_in: ConditionedBlock::sequence(build, &format!("{name}.in"), spec.entropy_in[level], stage)?,
                    latent: build.linear(&format!("{name}.latent"), &[latent])?,
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
        let heads = (0..=build.add_ons())
            .map(|number| (0..LATENT_LEVELS).map(|level| Head::new(build, level, number)).collect())
            .collect::<Result<_, ModelError>>()?;
        let lambda = LambdaEmbedding::new(build, Branch::Entropy, range)?;
        Ok(Self { lambda, levels, heads, start_width: spec.level_width(0) })
    }

    /// The embedding of λ, before the GELU of the modulations.
    #[must_use]
    pub fn embedding(&self, engine: Engine, lambda: f32) -> Vec<f32> {
        self.lambda.embed(engine, lambda)
    }

    /// The quantisation steps of a level's channels by add-on `number`, 0 for the branch itself, at λ;
    /// `None` where every step is 1.
    #[cfg(feature = "effort")]
    #[must_use]
    pub fn steps(&self, number: usize, level: usize, lambda: f32) -> Option<Vec<f32>> {
        let steps = self.heads.get(number)?.get(level)?.steps.as_ref()?;
        Some(steps.at(self.lambda.clamp(lambda)))
    }

    /// Starts a walk over z1's grid of `height` × `width` positions. λ is clamped to the branch's
    /// range.
    #[must_use]
    pub fn walk(&self, engine: Engine, lambda: f32, height: usize, width: usize) -> EntropyWalk<'_> {
        self.walk_with(0, engine, lambda, (height, width))
    }

    /// Starts a walk like [`Self::walk`] with the heads of add-on `number`, or with the branch's own if it
    /// is 0 or there is no such add-on.
    #[must_use]
    pub fn walk_with(
        &self,
        number: usize,
        engine: Engine,
        lambda: f32,
        (height, width): (usize, usize),
    ) -> EntropyWalk<'_> {
        EntropyWalk {
            levels: &self.levels,
            heads: self.heads.get(number).or(self.heads.first()).map_or(&[], Vec::as_slice),
            condition: self.lambda.condition(engine, lambda),
            lambda: self.lambda.clamp(lambda),
            feature: Map::zeros(height, width, self.start_width),
        }
    }
}

/// A walk from z1 to z4. Each latent level takes three calls, in this order: [`Self::prior`] (or
/// [`Self::enter`] if the latent is already known), [`Self::absorb`] and [`Self::advance`]. Where
/// [`Self::has_context`], the prior is that of the first half of the symbols until
/// [`Self::correct`] has seen them.
#[derive(Debug)]
pub struct EntropyWalk<'a> {
    /// The current latent level and those after it.
    levels: &'a [EntropyLevel],
    /// Their heads.
    heads: &'a [Head],
    condition: Condition,
    /// λ within the branch's range.
    lambda: f32,
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
        let Some(head) = self.heads.first() else {
            return Prior { mean: Map::default(), raw_scale: Map::default(), steps: Vec::new() };
        };
        let engine = self.condition.engine;
        Prior {
            mean: engine.dense(&head.prior_mean, &[&self.feature]),
            raw_scale: engine.dense(&head.prior_raw_scale, &[&self.feature]),
            steps: head.steps.as_ref().map_or_else(Vec::new, |steps| steps.at(self.lambda)),
        }
    }

    /// Whether the symbols of this level are coded in two halves.
    #[must_use]
    pub fn has_context(&self) -> bool {
        self.heads.first().is_some_and(|head| head.context.is_some())
    }

    /// Corrects the prior of the second half of the symbols from the first half of `symbols`, those
    /// at positions that [`is_first`](super::is_first) names.
    pub fn correct(&self, symbols: &[i32], prior: &mut Prior) {
        if let Some(context) = self.heads.first().and_then(|head| head.context.as_ref()) {
            context.correct(self.condition.engine, &self.feature, symbols, prior);
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
        self.heads = self.heads.get(1..).unwrap_or_default();
        match &level.up {
            Some(up) => {
                apply_all(&level.blocks_out, &self.condition, &mut self.feature);
                self.feature = self.condition.engine.up(up, 2, &self.feature);
            }
            None => self.feature = Map::default(),
        }
    }
}

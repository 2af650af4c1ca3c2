//! The reconstruction branch: from latents to pixels.

use super::block::{ConditionedBlock, apply_all};
use super::build::Builder;
use super::lambda::{Condition, LambdaEmbedding};
use crate::model::{Branch, LATENT_LEVELS, LambdaRange, ModelError, Spec};
use heirloom_kernels::{Engine, Linear, Map};

/// Turns latents, and the entropy branch's features, into an image.
#[derive(Debug)]
pub struct Reconstruction {
    lambda: LambdaEmbedding,
    start: Vec<f32>,
    levels: Vec<ReconstructionLevel>,
    tail: Vec<ConditionedBlock>,
    image: Linear,
}

#[derive(Debug)]
struct ReconstructionLevel {
    blocks_in: Vec<ConditionedBlock>,
    merge: Linear,
    blocks_out: Vec<ConditionedBlock>,
    up: Linear,
}

impl Reconstruction {
    pub(super) fn new(build: &mut Builder<'_>, range: LambdaRange) -> Result<Self, ModelError> {
        let spec = build.spec();
        let start = build.vector("reconstruction.start")?.to_vec();
        let levels = (0..LATENT_LEVELS)
            .map(|level| {
                let name = format!("reconstruction.z{}", level + 1);
                let stage = Spec::stage_of_level(level);
                let (width, latent) = (spec.widths[stage], spec.latents[level]);
                Ok(ReconstructionLevel {
                    blocks_in: ConditionedBlock::sequence(
                        build,
                        &format!("{name}.in"),
                        spec.reconstruction_in[level],
                        stage,
                    )?,
                    merge: build.linear(&format!("{name}.merge"), &[width, latent, width])?,
                    blocks_out: ConditionedBlock::sequence(
                        build,
                        &format!("{name}.out"),
                        spec.reconstruction_out[level],
                        stage,
                    )?,
                    up: build.linear(&format!("{name}.up"), &[width])?,
                })
            })
            .collect::<Result<_, ModelError>>()?;
        let tail = ConditionedBlock::sequence(build, "reconstruction.tail", spec.tail_blocks, 0)?;
        let image = build.linear("reconstruction.image", &[spec.widths[0]])?;
        let lambda = LambdaEmbedding::new(build, Branch::Reconstruction, range)?;
        Ok(Self { lambda, start, levels, tail, image })
    }

    /// The embedding of λ, before the GELU of the modulations.
    #[must_use]
    pub fn embedding(&self, engine: Engine, lambda: f32) -> Vec<f32> {
        self.lambda.embed(engine, lambda)
    }

    /// Starts a walk over z1's grid of `height` × `width` positions. λ is clamped to the branch's
    /// range.
    #[must_use]
    pub fn walk(&self, engine: Engine, lambda: f32, height: usize, width: usize) -> ReconstructionWalk<'_> {
        ReconstructionWalk {
            branch: self,
            level: 0,
            condition: self.lambda.condition(engine, lambda),
            feature: Map::filled(height, width, &self.start),
        }
    }
}

/// A walk from z1 to the image: [`Self::merge`] and [`Self::rise`] for each latent, then
/// [`Self::image`].
#[derive(Debug)]
pub struct ReconstructionWalk<'a> {
    branch: &'a Reconstruction,
    level: usize,
    condition: Condition,
    feature: Map,
}

impl ReconstructionWalk<'_> {
    /// Merges the latent, with the entropy branch's feature after that latent.
    pub fn merge(&mut self, latent: &Map, entropy_feature: &Map) {
        let Some(level) = self.branch.levels.get(self.level) else { return };
        apply_all(&level.blocks_in, &self.condition, &mut self.feature);
        self.feature = self.condition.engine.dense(&level.merge, &[&self.feature, latent, entropy_feature]);
    }

    /// Goes up to the next latent level, or to the image. This does not need the entropy branch, so
    /// the next latent can be decoded at the same time.
    pub fn rise(&mut self) {
        let Some(level) = self.branch.levels.get(self.level) else { return };
        self.level += 1;
        apply_all(&level.blocks_out, &self.condition, &mut self.feature);
        self.feature = self.condition.engine.up(&level.up, 2, &self.feature);
    }

    /// The image: RGB, nominally in [-1, 1], not clamped.
    #[must_use]
    pub fn image(mut self) -> Map {
        apply_all(&self.branch.tail, &self.condition, &mut self.feature);
        self.condition.engine.up(&self.branch.image, 4, &self.feature)
    }
}

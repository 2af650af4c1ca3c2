//! The reconstruction branch: from latents to pixels.

use super::build::{Builder, ConditionedBlock, apply_all};
use super::lambda::{Condition, LambdaEmbedding};
use crate::model::{LEVELS, ModelError, Spec};
use heirloom_kernels::{Dense, Engine, Map, Up};

/// Turns latents, and the entropy branch's features, into an image.
#[derive(Debug)]
pub struct Reconstruction {
    lambda: LambdaEmbedding,
    start: Vec<f32>,
    levels: Vec<ReconstructionLevel>,
    tail: Vec<ConditionedBlock>,
    image: Up,
}

#[derive(Debug)]
struct ReconstructionLevel {
    blocks_in: Vec<ConditionedBlock>,
    merge: Dense,
    blocks_out: Vec<ConditionedBlock>,
    up: Up,
}

impl Reconstruction {
    pub(super) fn new(build: &mut Builder<'_>) -> Result<Self, ModelError> {
        let spec = build.spec();
        let start = build.vector("reconstruction.start")?;
        let levels = (0..LEVELS)
            .map(|level| {
                let name = format!("reconstruction.z{}", level + 1);
                let stage = Spec::stage_of_level(level);
                let (width, latent) = (spec.widths[stage], spec.latents[level]);
                Ok(ReconstructionLevel {
                    blocks_in: build.blocks(&format!("{name}.in"), spec.reconstruction_in[level], stage)?,
                    merge: build.dense(&format!("{name}.merge"), 2 * width + latent, width)?,
                    blocks_out: build.blocks(&format!("{name}.out"), spec.reconstruction_out[level], stage)?,
                    up: build.up(&format!("{name}.up"), width, spec.widths[stage - 1], 2)?,
                })
            })
            .collect::<Result<_, ModelError>>()?;
        let tail = build.blocks("reconstruction.tail", spec.tail_blocks, 0)?;
        let image = build.up("reconstruction.image", spec.widths[0], 3, 4)?;
        let lambda = LambdaEmbedding::new(build, "reconstruction.lambda")?;
        Ok(Self { lambda, start, levels, tail, image })
    }

    /// The embedding of λ, as the reference vectors have it.
    #[must_use]
    pub fn embedding(&self, engine: Engine, lambda: f32) -> Vec<f32> {
        self.lambda.embed(engine, lambda)
    }

    /// Starts over z1's grid of `height` × `width` positions. λ has been clamped to the reconstruction branch's range.
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

/// A walk from z1 to the image: [`Self::merge`] and [`Self::rise`] for each level, then [`Self::image`].
#[derive(Debug)]
pub struct ReconstructionWalk<'a> {
    branch: &'a Reconstruction,
    level: usize,
    condition: Condition,
    feature: Map,
}

impl ReconstructionWalk<'_> {
    /// Takes in the level's latent, with the entropy branch's feature after that latent.
    pub fn merge(&mut self, latent: &Map, entropy_feature: &Map) {
        let Some(level) = self.branch.levels.get(self.level) else { return };
        apply_all(&level.blocks_in, &self.condition, &mut self.feature);
        self.feature = self.condition.engine.dense(&level.merge, &[&self.feature, latent, entropy_feature]);
    }

    /// Goes up to the next level, or to the image. Needs nothing of the entropy branch: the next latent can be decoded meanwhile.
    pub fn rise(&mut self) {
        let Some(level) = self.branch.levels.get(self.level) else { return };
        self.level += 1;
        apply_all(&level.blocks_out, &self.condition, &mut self.feature);
        self.feature = self.condition.engine.up(&level.up, &self.feature);
    }

    /// The image, RGB about [-1, 1], not clamped.
    #[must_use]
    pub fn image(mut self) -> Map {
        apply_all(&self.branch.tail, &self.condition, &mut self.feature);
        self.condition.engine.up(&self.branch.image, &self.feature)
    }
}

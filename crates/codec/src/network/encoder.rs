//! The encoder: image to features, and features to posterior means. It only chooses latents, so any
//! arithmetic would do; it uses the one of the other branches.

use super::block::{ConditionedBlock, apply_all};
use super::build::Builder;
use super::lambda::{Condition, LambdaEmbedding};
use crate::model::{Branch, LATENT_LEVELS, LINEAR_RATIO, LambdaRange, ModelError, STAGES, STRIDES, Spec};
use heirloom_kernels::{Engine, Linear, Map};

/// Bottom-up network and posteriors.
#[derive(Debug)]
pub struct Encoder {
    lambda: LambdaEmbedding,
    stages: Vec<Stage>,
    posteriors: Vec<Posterior>,
    /// From pixels straight to the last posterior mean.
    linear: Option<Linear>,
}

#[derive(Debug)]
struct Stage {
    down: Linear,
    ratio: usize,
    blocks: Vec<ConditionedBlock>,
}

#[derive(Debug)]
struct Posterior {
    feature_block: ConditionedBlock,
    entropy_block: ConditionedBlock,
    mix: Linear,
    mixed_block: ConditionedBlock,
    mean: Linear,
}

impl Encoder {
    pub(super) fn new(build: &mut Builder<'_>, range: LambdaRange) -> Result<Self, ModelError> {
        let spec = build.spec();
        let stages = (0..STAGES)
            .map(|stage| {
                let name = format!("encoder.s{}", STRIDES[stage]);
                let (inputs, ratio) = if stage == 0 { (3, 4) } else { (spec.widths[stage - 1], 2) };
                let down = build.linear(&format!("{name}.down"), &vec![ratio * inputs; ratio])?;
                let blocks =
                    ConditionedBlock::sequence(build, &format!("{name}.block"), spec.encoder_blocks[stage], stage)?;
                Ok(Stage { down, ratio, blocks })
            })
            .collect::<Result<_, ModelError>>()?;
        let posteriors = (0..LATENT_LEVELS)
            .map(|level| {
                let name = format!("encoder.z{}", level + 1);
                let stage = Spec::stage_of_level(level);
                let width = spec.widths[stage];
                Ok(Posterior {
                    feature_block: ConditionedBlock::new(build, &format!("{name}.feature_block"), stage)?,
                    entropy_block: ConditionedBlock::new(build, &format!("{name}.entropy_block"), stage)?,
                    mix: build.linear(&format!("{name}.mix"), &[width; 2])?,
                    mixed_block: ConditionedBlock::new(build, &format!("{name}.mixed_block"), stage)?,
                    mean: build.linear(&format!("{name}.mean"), &[3 * width; 3])?,
                })
            })
            .collect::<Result<_, ModelError>>()?;
        let patch_rows = [3 * LINEAR_RATIO; LINEAR_RATIO];
        let linear = spec.linear_path.then(|| build.linear("encoder.linear", &patch_rows)).transpose()?;
        let lambda = LambdaEmbedding::new(build, Branch::Encoder, range)?;
        Ok(Self { lambda, stages, posteriors, linear })
    }

    /// The embedding of λ, before the GELU of the modulations.
    #[must_use]
    pub fn embedding(&self, engine: Engine, lambda: f32) -> Vec<f32> {
        self.lambda.embed(engine, lambda)
    }

    /// Runs the bottom-up network on an image: RGB in [-1, 1], height and width multiples of
    /// [`CANVAS_UNIT`](heirloom_format::container::CANVAS_UNIT). λ is clamped to the encoder's
    /// range.
    #[must_use]
    pub fn features(&self, engine: Engine, lambda: f32, image: Map) -> EncoderWalk<'_> {
        let condition = self.lambda.condition(engine, lambda);
        let linear = self.linear.as_ref().map(|path| engine.down(path, LINEAR_RATIO, &image));
        let mut features = Vec::with_capacity(LATENT_LEVELS);
        let mut input = image;
        for (number, stage) in self.stages.iter().enumerate() {
            let map = engine.down(&stage.down, stage.ratio, &input);
            let previous = std::mem::replace(&mut input, map);
            // No posterior reads the image or the features at stride 4, so their memory is released
            // here.
            if number >= 2 {
                features.push(previous);
            } else {
                drop(previous);
            }
            apply_all(&stage.blocks, &condition, &mut input);
        }
        features.push(input);
        EncoderWalk { posteriors: &self.posteriors, condition, features, linear }
    }
}

/// The features of an image, consumed latent by latent from z1 to z4.
#[derive(Debug)]
pub struct EncoderWalk<'a> {
    /// The current latent level and those after it.
    posteriors: &'a [Posterior],
    condition: Condition,
    /// Features of the remaining levels, the finest (z4's) first.
    features: Vec<Map>,
    /// What the linear path adds to the last posterior mean.
    linear: Option<Map>,
}

impl EncoderWalk<'_> {
    /// Features of the remaining levels at strides 8, 16, 32, 64.
    #[must_use]
    pub fn features(&self) -> &[Map] {
        &self.features
    }

    /// Posterior mean of the next latent, given the feature e of the entropy branch that its prior
    /// read. An empty map after the last latent.
    pub fn posterior_mean(&mut self, entropy_feature: &Map) -> Map {
        let (Some((posterior, rest)), Some(mut feature)) = (self.posteriors.split_first(), self.features.pop()) else {
            return Map::default();
        };
        self.posteriors = rest;
        let engine = self.condition.engine;
        posterior.feature_block.apply(&self.condition, &mut feature);
        let mut entropy_feature = entropy_feature.clone(); // the entropy walk keeps its own
        posterior.entropy_block.apply(&self.condition, &mut entropy_feature);
        let mut mixed = engine.dense(&posterior.mix, &[&entropy_feature, &feature]);
        drop((feature, entropy_feature));
        posterior.mixed_block.apply(&self.condition, &mut mixed);
        let mut mean = engine.conv3x3(&posterior.mean, &mixed);
        if rest.is_empty()
            && let Some(linear) = self.linear.take()
        {
            mean.add(&linear);
        }
        mean
    }
}

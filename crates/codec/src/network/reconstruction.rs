//! The reconstruction branch: from latents to pixels.

use super::block::{ConditionedBlock, apply_within, reach};
use super::build::Builder;
use super::lambda::{Condition, LambdaEmbedding};
use super::window::Window;
use crate::model::{Branch, LATENT_LEVELS, LINEAR_RATIO, LambdaRange, ModelError, STRIDES, Spec, THUMBNAIL_LEVEL};
use heirloom_kernels::{Engine, Linear, Map};

/// Positions at stride 4 for each position of z1 and direction.
const TAIL_RATIO: usize = 16;

/// Turns latents, and the entropy branch's features, into an image.
#[derive(Debug)]
pub struct Reconstruction {
    lambda: LambdaEmbedding,
    start: Vec<f32>,
    levels: Vec<ReconstructionLevel>,
    tail: Vec<ConditionedBlock>,
    image: Linear,
    /// From the last latent straight to pixels.
    linear: Option<Linear>,
    thumbnail: Option<Linear>,
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
        let latent = spec.latents[LATENT_LEVELS - 1];
        let linear = spec.linear_path.then(|| build.linear("reconstruction.linear", &[latent])).transpose()?;
        let thumbnail = build.thumbnail(spec.level_width(THUMBNAIL_LEVEL))?;
        let lambda = LambdaEmbedding::new(build, Branch::Reconstruction, range)?;
        Ok(Self { lambda, start, levels, tail, image, linear, thumbnail })
    }

    /// Whether there is a thumbnail head.
    #[must_use]
    pub fn has_thumbnail(&self) -> bool {
        self.thumbnail.is_some()
    }

    /// The image at an eighth of its size, of the entropy branch's feature after z3: RGB, nominally in
    /// [-1, 1], not clamped. `None` without a thumbnail head.
    #[must_use]
    pub fn thumbnail(&self, engine: Engine, entropy_feature: &Map) -> Option<Map> {
        self.thumbnail.as_ref().map(|head| engine.up(head, 2, entropy_feature))
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
        let shown = Window::whole(height, width).finer(TAIL_RATIO);
        self.walk_within(engine, lambda, (height, width), shown)
    }

    /// Starts a walk that computes only the positions at stride 4 of the window `shown`, and what they
    /// depend on. They come out as in a walk over all.
    #[must_use]
    pub fn walk_within(
        &self,
        engine: Engine,
        lambda: f32,
        (height, width): (usize, usize),
        shown: Window,
    ) -> ReconstructionWalk<'_> {
        let grid = Window::whole(height, width);
        let tail = shown.grown(reach(&self.tail), grid.finer(TAIL_RATIO));
        let mut next = tail;
        let mut levels = [LevelWindows::default(); LATENT_LEVELS];
        for (i, (level, windows)) in self.levels.iter().zip(&mut levels).enumerate().rev() {
            let whole = grid.finer(1 << i);
            let after = next.coarser(2);
            let merge = after.grown(reach(&level.blocks_out), whole);
            let before = merge.grown(reach(&level.blocks_in), whole);
            *windows = LevelWindows { before, merge, after, whole };
            next = before;
        }
        let feature = Map::filled(next.bottom - next.top, next.right - next.left, &self.start);
        let condition = self.lambda.condition(engine, lambda);
        ReconstructionWalk { branch: self, level: 0, condition, feature, levels, tail, shown, last_latent: None }
    }
}

/// The positions of a latent level that are computed. The window of all positions of `whole` covers
/// the others.
#[derive(Clone, Copy, Debug, Default)]
struct LevelWindows {
    /// Before the first block.
    before: Window,
    /// Where the latent is merged.
    merge: Window,
    /// Before the way up.
    after: Window,
    whole: Window,
}

/// A walk from z1 to the image: [`Self::merge`] and [`Self::rise`] for each latent, then
/// [`Self::image`].
#[derive(Debug)]
pub struct ReconstructionWalk<'a> {
    branch: &'a Reconstruction,
    level: usize,
    condition: Condition,
    feature: Map,
    levels: [LevelWindows; LATENT_LEVELS],
    tail: Window,
    shown: Window,
    /// The last latent's part of the window that was asked for, if the linear path reads it.
    last_latent: Option<Map>,
}

impl ReconstructionWalk<'_> {
    /// The feature r, before the blocks of the current latent level.
    #[cfg(feature = "effort")]
    #[must_use]
    pub fn into_feature(self) -> Map {
        self.feature
    }

    /// Merges the latent, with the entropy branch's feature after that latent.
    pub fn merge(&mut self, latent: &Map, entropy_feature: &Map) {
        let Some(level) = self.branch.levels.get(self.level) else { return };
        let LevelWindows { before, merge, whole, .. } = self.levels[self.level];
        apply_within(&level.blocks_in, &self.condition, &mut self.feature, (before, merge, whole));
        if self.level + 1 == LATENT_LEVELS && self.branch.linear.is_some() {
            self.last_latent = Some(self.shown.coarser(2).of(latent, whole).into_owned());
        }
        let [latent, entropy_feature] = [latent, entropy_feature].map(|map| merge.of(map, whole));
        self.feature = self.condition.engine.dense(&level.merge, &[&self.feature, &latent, &entropy_feature]);
    }

    /// Goes up to the next latent level, or to the image. This does not need the entropy branch, so
    /// the next latent can be decoded at the same time.
    pub fn rise(&mut self) {
        let Some(level) = self.branch.levels.get(self.level) else { return };
        let LevelWindows { merge, after, whole, .. } = self.levels[self.level];
        self.level += 1;
        apply_within(&level.blocks_out, &self.condition, &mut self.feature, (merge, after, whole));
        self.feature = self.condition.engine.up(&level.up, 2, &self.feature);
        let next = self.levels.get(self.level).map_or(self.tail, |next| next.before);
        next.cut(&mut self.feature, after.finer(2));
    }

    /// The pixels of the window that was asked for: RGB, nominally in [-1, 1], not clamped.
    #[must_use]
    pub fn image(mut self) -> Map {
        let Self { branch, tail, shown, .. } = self;
        let whole = self.levels[LATENT_LEVELS - 1].whole.finer(2);
        apply_within(&branch.tail, &self.condition, &mut self.feature, (tail, shown, whole));
        let engine = self.condition.engine;
        let mut image = engine.up(&branch.image, STRIDES[0], &self.feature);
        if let (Some(path), Some(latent)) = (&branch.linear, &self.last_latent) {
            drop(std::mem::take(&mut self.feature));
            let mut linear = engine.up(path, LINEAR_RATIO, latent);
            shown.finer(STRIDES[0]).cut(&mut linear, shown.coarser(2).finer(LINEAR_RATIO));
            image.add(&linear);
        }
        image
    }
}

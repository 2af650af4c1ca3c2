//! The proposed network (Duan et al., CVPR 2024, section 4.2): encoder, entropy branch and
//! reconstruction branch as one training graph.

use burn::tensor::{Device, Tensor};
use heirloom_codec::model::{Branch, LATENT_LEVELS, LambdaRanges, STRIDES, Spec};

use super::{
    lambda::{Embeddings, LambdaNet},
    linear::LinearIds,
    parameters::{Layout, VectorId, Weights},
    quantise::Quantise,
};
use crate::{
    error::Result,
    ops::{self, BlockParams, Precision, rate},
};

struct BlockIds {
    kernel: usize,
    depthwise: LinearIds,
    modulation: LinearIds,
    expand: LinearIds,
    project: LinearIds,
    layer_scale: VectorId,
}

impl BlockIds {
    fn find(layout: &Layout, name: &str, kernel: usize) -> Result<Self> {
        let linear = |part: &str| LinearIds::find(layout, &format!("{name}.{part}"));
        Ok(Self {
            kernel,
            depthwise: linear("depthwise")?,
            modulation: linear("modulation")?,
            expand: linear("expand")?,
            project: linear("project")?,
            layer_scale: layout.vector(&format!("{name}.layer_scale"))?,
        })
    }

    fn many(layout: &Layout, prefix: &str, count: usize, kernel: usize) -> Result<Vec<Self>> {
        (0..count).map(|j| Self::find(layout, &format!("{prefix}{j}"), kernel)).collect()
    }

    /// `activated` is the branch's embedding, `[B, E]`.
    fn run(&self, w: &Weights, activated: &Tensor<2>, x: Tensor<4>) -> Tensor<4> {
        let modulation = self.modulation.linear(w, activated.clone());
        let params = BlockParams {
            depthwise_weight: w.matrix(self.depthwise.weight),
            depthwise_bias: w.vector(self.depthwise.bias),
            expand_weight: w.matrix(self.expand.weight),
            expand_bias: w.vector(self.expand.bias),
            project_weight: w.matrix(self.project.weight),
            project_bias: w.vector(self.project.bias),
            layer_scale: w.vector(self.layer_scale),
            precision: w.precision(),
        };
        ops::block(x, modulation, params, self.kernel)
    }
}

/// The layers around one latent.
struct Level {
    feature_block: BlockIds,
    entropy_block: BlockIds,
    mixed_block: BlockIds,
    mix: LinearIds,
    mean: LinearIds,
    entropy_in: Vec<BlockIds>,
    prior: LinearIds,
    latent: LinearIds,
    entropy_out: Vec<BlockIds>,
    entropy_up: Option<LinearIds>,
    reconstruction_in: Vec<BlockIds>,
    merge: LinearIds,
    reconstruction_out: Vec<BlockIds>,
    reconstruction_up: LinearIds,
}

/// The network, which knows where each of its layers finds its parameters.
pub struct Network {
    spec: Spec,
    lambda: LambdaNet,
    stages: Vec<(LinearIds, Vec<BlockIds>)>,
    levels: Vec<Level>,
    start: VectorId,
    tail: Vec<BlockIds>,
    image: LinearIds,
}

/// Results of one latent level.
pub struct LevelOutput {
    /// Posterior mean, `[B, H/s, W/s, Z]`; none without an image.
    pub posterior_mean: Option<Tensor<4>>,
    /// Prior, `[B, H/s, W/s, 2Z]`: means, then raw scales.
    pub prior: Tensor<4>,
    /// Latent that both branches see, `[B, H/s, W/s, Z]`.
    pub latent: Tensor<4>,
    /// Latent whose bits are counted. It differs from `latent` for [`Quantise::Mixed`] only.
    pub counted: Tensor<4>,
    /// Feature of the entropy branch after the latent, which the reconstruction branch merges,
    /// `[B, H/s, W/s, C]`.
    pub feature: Tensor<4>,
}

impl LevelOutput {
    /// Means of the prior, `[B, H/s, W/s, Z]`.
    pub fn prior_mean(&self) -> Tensor<4> {
        prior_mean(&self.prior)
    }

    /// Standard deviations of the prior, `[B, H/s, W/s, Z]`.
    pub fn prior_scale(&self) -> Tensor<4> {
        let [b, h, w, c] = self.prior.dims();
        rate::scale(self.prior.clone().slice([0..b, 0..h, 0..w, c / 2..c]))
    }
}

fn prior_mean(prior: &Tensor<4>) -> Tensor<4> {
    let [b, h, w, c] = prior.dims();
    prior.clone().slice([0..b, 0..h, 0..w, 0..c / 2])
}

/// Results of a forward pass.
pub struct Forward {
    /// Latent levels, z1 (coarsest) to z4.
    pub levels: Vec<LevelOutput>,
    /// Image `[B, H, W, 3]`; values may exceed [-1, 1].
    pub image: Tensor<4>,
}

impl Network {
    /// Finds every parameter of `spec` in `layout`.
    ///
    /// # Errors
    /// A parameter that is missing.
    pub fn new(spec: &Spec, layout: &Layout) -> Result<Self> {
        let lambda = |branch: Branch| -> Result<[LinearIds; 2]> {
            Ok([
                LinearIds::find(layout, &format!("{branch}.lambda.fc1"))?,
                LinearIds::find(layout, &format!("{branch}.lambda.fc2"))?,
            ])
        };
        let mut stages = Vec::new();
        for (s, stride) in STRIDES.iter().enumerate() {
            let down = LinearIds::find(layout, &format!("encoder.s{stride}.down"))?;
            let blocks =
                BlockIds::many(layout, &format!("encoder.s{stride}.block"), spec.encoder_blocks[s], spec.kernels[s])?;
            stages.push((down, blocks));
        }
        let mut levels = Vec::new();
        for i in 0..LATENT_LEVELS {
            let (n, kernel) = (i + 1, spec.kernels[4 - i]);
            let block = |name: &str| BlockIds::find(layout, &format!("encoder.z{n}.{name}"), kernel);
            let linear = |name: &str| LinearIds::find(layout, name);
            levels.push(Level {
                feature_block: block("feature_block")?,
                entropy_block: block("entropy_block")?,
                mixed_block: block("mixed_block")?,
                mix: linear(&format!("encoder.z{n}.mix"))?,
                mean: linear(&format!("encoder.z{n}.mean"))?,
                entropy_in: BlockIds::many(layout, &format!("entropy.z{n}.in"), spec.entropy_in[i], kernel)?,
                prior: linear(&format!("entropy.z{n}.prior"))?,
                latent: linear(&format!("entropy.z{n}.latent"))?,
                entropy_out: BlockIds::many(layout, &format!("entropy.z{n}.out"), spec.entropy_out[i], kernel)?,
                entropy_up: if i < 3 { Some(linear(&format!("entropy.z{n}.up"))?) } else { None },
                reconstruction_in: BlockIds::many(
                    layout,
                    &format!("reconstruction.z{n}.in"),
                    spec.reconstruction_in[i],
                    kernel,
                )?,
                merge: linear(&format!("reconstruction.z{n}.merge"))?,
                reconstruction_out: BlockIds::many(
                    layout,
                    &format!("reconstruction.z{n}.out"),
                    spec.reconstruction_out[i],
                    kernel,
                )?,
                reconstruction_up: linear(&format!("reconstruction.z{n}.up"))?,
            });
        }
        Ok(Self {
            spec: spec.clone(),
            lambda: LambdaNet {
                embedding: spec.embedding,
                branches: [lambda(Branch::Entropy)?, lambda(Branch::Encoder)?, lambda(Branch::Reconstruction)?],
            },
            stages,
            levels,
            start: layout.vector("reconstruction.start")?,
            tail: BlockIds::many(layout, "reconstruction.tail", spec.tail_blocks, spec.kernels[0])?,
            image: LinearIds::find(layout, "reconstruction.image")?,
        })
    }

    /// Shape of the network.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Embeds one λ per image, clamped to `ranges`, see `LambdaNet::embed`.
    pub fn embed(&self, w: &Weights, lambdas: &[f32], ranges: Option<&LambdaRanges>, device: &Device) -> Embeddings {
        self.lambda.embed(w, lambdas, ranges, device)
    }

    /// The bottom-up pass over images `[B, H, W, 3]` in [-1, 1], whose H and W are multiples of 64:
    /// features at strides 4, 8, 16, 32 and 64.
    pub fn features(&self, w: &Weights, embeddings: &Embeddings, images: Tensor<4>) -> Vec<Tensor<4>> {
        let mut x = images;
        let mut out = Vec::with_capacity(5);
        for (s, (down, blocks)) in self.stages.iter().enumerate() {
            x = ops::down(x, w.matrix(down.weight), w.vector(down.bias), if s == 0 { 4 } else { 2 }, w.precision());
            for block in blocks {
                x = block.run(w, &embeddings.encoder, x);
            }
            out.push(x.clone());
        }
        out
    }

    /// The top-down pass of both branches, from the features or from given latents to the image.
    /// `grid` is the batch size and the height and width of z1.
    pub fn top_down(
        &self,
        w: &Weights,
        embeddings: &Embeddings,
        features: Option<&[Tensor<4>]>,
        grid: [usize; 3],
        quantise: Quantise,
        device: &Device,
    ) -> Forward {
        let levels = self.levels(w, embeddings, features, grid, quantise, device);
        let pairs = levels.iter().map(|level| (level.latent.clone(), level.feature.clone()));
        let image = self.reconstruct(w, &embeddings.reconstruction, pairs, device);
        Forward { levels, image }
    }

    /// The entropy branch with the posteriors, without the reconstruction branch. Arguments are
    /// those of [`Self::top_down`].
    pub fn levels(
        &self,
        w: &Weights,
        embeddings: &Embeddings,
        features: Option<&[Tensor<4>]>,
        grid: [usize; 3],
        quantise: Quantise,
        device: &Device,
    ) -> Vec<LevelOutput> {
        let [batch, height, width] = grid;
        let mut e = Tensor::<4>::zeros([batch, height, width, self.spec.widths[4]], device);
        let mut levels = Vec::with_capacity(LATENT_LEVELS);
        for (i, level) in self.levels.iter().enumerate() {
            for block in &level.entropy_in {
                e = block.run(w, &embeddings.entropy, e);
            }
            let prior = level.prior.dense(w, vec![e.clone()], Precision::Single);
            let posterior_mean = features.map(|f| self.posterior(w, level, embeddings, e.clone(), f[4 - i].clone()));
            let (latent, counted) = match (quantise, &posterior_mean) {
                (Quantise::Given(given), _) => (given[i].clone(), None),
                (_, Some(q)) => quantise.apply(i, q, || prior_mean(&prior), device),
                // Without features there is nothing to quantise: take the most likely latents.
                (_, None) => (prior_mean(&prior), None),
            };
            e = e + level.latent.dense(w, vec![latent.clone()], w.precision());
            let feature = e.clone();
            if let Some(up) = &level.entropy_up {
                for block in &level.entropy_out {
                    e = block.run(w, &embeddings.entropy, e);
                }
                e = up.up(w, e, 2, w.precision());
            }
            let counted = counted.unwrap_or_else(|| latent.clone());
            levels.push(LevelOutput { posterior_mean, prior, latent, counted, feature });
        }
        levels
    }

    /// The reconstruction branch, from each level's latent and the entropy branch's feature after
    /// it, z1 first, to the image `[B, H, W, 3]`. `activated` is the branch's embedding, see
    /// [`Embeddings`].
    pub fn reconstruct(
        &self,
        w: &Weights,
        activated: &Tensor<2>,
        levels: impl IntoIterator<Item = (Tensor<4>, Tensor<4>)>,
        device: &Device,
    ) -> Tensor<4> {
        let mut r = w.vector(self.start).reshape([1, 1, 1, self.spec.widths[4]]);
        for (i, (level, (latent, e))) in self.levels.iter().zip(levels).enumerate() {
            if i == 0 {
                r = Tensor::<4>::zeros(e.dims(), device) + r;
            }
            for block in &level.reconstruction_in {
                r = block.run(w, activated, r);
            }
            r = level.merge.dense(w, vec![r, latent, e], w.precision());
            for block in &level.reconstruction_out {
                r = block.run(w, activated, r);
            }
            r = level.reconstruction_up.up(w, r, 2, w.precision());
        }
        for block in &self.tail {
            r = block.run(w, activated, r);
        }
        self.image.up(w, r, 4, Precision::Single)
    }

    fn posterior(
        &self,
        w: &Weights,
        level: &Level,
        embeddings: &Embeddings,
        e: Tensor<4>,
        feature: Tensor<4>,
    ) -> Tensor<4> {
        let a = level.feature_block.run(w, &embeddings.encoder, feature);
        let b = level.entropy_block.run(w, &embeddings.encoder, e);
        let mixed = level.mix.dense(w, vec![b, a], w.precision());
        let mixed = level.mixed_block.run(w, &embeddings.encoder, mixed);
        ops::conv3x3(mixed, w.matrix(level.mean.weight), w.vector(level.mean.bias), Precision::Single)
    }
}

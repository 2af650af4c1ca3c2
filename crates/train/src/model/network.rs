//! The proposed network (Duan et al., CVPR 2024, section 4.2): encoder, entropy branch and
//! reconstruction branch as one training graph.

use burn::tensor::{Device, Tensor};
use heirloom_codec::model::{Branch, LATENT_LEVELS, LINEAR_RATIO, LambdaRanges, STRIDES, Spec};

use super::{
    block::BlockIds,
    lambda::{Embeddings, LambdaNet},
    level::{Level, LevelInput, LevelOutput},
    linear::LinearIds,
    parameters::{Layout, VectorId, Weights},
    quantise::Quantise,
};
use crate::error::Result;

/// The network, which knows where each of its layers finds its parameters.
pub struct Network {
    spec: Spec,
    lambda: LambdaNet,
    stages: Vec<(LinearIds, Vec<BlockIds>)>,
    levels: Vec<Level>,
    start: VectorId,
    tail: Vec<BlockIds>,
    image: LinearIds,
    linear: Option<LinearPath>,
}

/// The linear maps past all blocks: from the image to the last posterior mean, and from the last
/// latent to the image.
struct LinearPath {
    down: LinearIds,
    up: LinearIds,
}

/// What the posteriors see of images.
pub struct Features {
    /// Feature maps at strides 4, 8, 16, 32 and 64.
    pub stages: Vec<Tensor<4>>,
    /// What the linear path adds to the posterior mean of z4, `[B, H/8, W/8, Z]`.
    linear: Option<Tensor<4>>,
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
        Ok(Self {
            spec: spec.clone(),
            lambda: LambdaNet {
                embedding: spec.embedding,
                branches: [lambda(Branch::Entropy)?, lambda(Branch::Encoder)?, lambda(Branch::Reconstruction)?],
            },
            stages,
            levels: (0..LATENT_LEVELS).map(|i| Level::find(spec, layout, i)).collect::<Result<_>>()?,
            start: layout.vector("reconstruction.start")?,
            tail: BlockIds::many(layout, "reconstruction.tail", spec.tail_blocks, spec.kernels[0])?,
            image: LinearIds::find(layout, "reconstruction.image")?,
            linear: spec
                .linear_path
                .then(|| -> Result<LinearPath> {
                    let down = LinearIds::find(layout, "encoder.linear")?;
                    Ok(LinearPath { down, up: LinearIds::find(layout, "reconstruction.linear")? })
                })
                .transpose()?,
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

    /// The bottom-up pass over images `[B, H, W, 3]` in [-1, 1], whose H and W are multiples of 64.
    pub fn features(&self, w: &Weights, embeddings: &Embeddings, images: Tensor<4>) -> Features {
        let linear = self.linear.as_ref().map(|path| path.down.down(w, images.clone(), LINEAR_RATIO, w.to_values()));
        let mut x = images;
        let mut stages = Vec::with_capacity(5);
        for (s, (down, blocks)) in self.stages.iter().enumerate() {
            x = down.down(w, x, if s == 0 { 4 } else { 2 }, w.between_features());
            for block in blocks {
                x = block.run(w, &embeddings.encoder, x);
            }
            stages.push(x.clone());
        }
        Features { stages, linear }
    }

    /// The top-down pass of both branches, from the features or from given latents to the image.
    /// `grid` is the batch size and the height and width of z1.
    pub fn top_down(
        &self,
        w: &Weights,
        embeddings: &Embeddings,
        features: Option<&Features>,
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
        features: Option<&Features>,
        grid: [usize; 3],
        quantise: Quantise,
        device: &Device,
    ) -> Vec<LevelOutput> {
        let [batch, height, width] = grid;
        let mut e = Tensor::<4>::zeros([batch, height, width, self.spec.widths[4]], device);
        let mut levels = Vec::with_capacity(LATENT_LEVELS);
        for (i, level) in self.levels.iter().enumerate() {
            let input = features.map(|features| LevelInput {
                feature: features.stages[4 - i].clone(),
                linear: features.linear.clone().filter(|_| i + 1 == LATENT_LEVELS),
            });
            let (output, next) = level.quantised(w, embeddings, e, input, quantise, device);
            levels.push(output);
            e = next;
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
        let mut last_latent = None;
        let mut r = w.vector(self.start).reshape([1, 1, 1, self.spec.widths[4]]);
        for (i, (level, (latent, e))) in self.levels.iter().zip(levels).enumerate() {
            if i == 0 {
                r = Tensor::<4>::zeros(e.dims(), device) + r;
            }
            if i + 1 == LATENT_LEVELS && self.linear.is_some() {
                last_latent = Some(latent.clone());
            }
            r = level.reconstructed(w, activated, r, latent, e);
        }
        for block in &self.tail {
            r = block.run(w, activated, r);
        }
        let image = self.image.up(w, r, 4, w.to_values());
        match (&self.linear, last_latent) {
            (Some(path), Some(latent)) => image + path.up.up(w, latent, LINEAR_RATIO, w.to_values()),
            _ => image,
        }
    }
}

//! An earlier generation at work: from old pictures or stored latents to what the new reconstruction branch shall make of
//! them.
//!
//! It runs as the training graph, without gradients, not as the codec: a whole batch at once, and on the device that trains. Its
//! latents are those of a file but for rounding errors: they differ by a whole step where q − μ lies within a rounding
//! error of a half, and by some 1e-6 of μ elsewhere. Latents from an archive are the file's own, to the bit.

use burn::tensor::{Device, Tensor, TensorData};
use heirloom_codec::model::{LambdaRanges, ModelFile};

use super::memory::{Content, Remembered};
use crate::{
    Result,
    model::{Layout, Network, Quantise, Weights, network::LevelOutput},
    trainer::{export, step},
};

/// A generation with fixed weights.
pub struct Teacher {
    network: Network,
    weights: Weights,
    ranges: LambdaRanges,
    device: Device,
}

/// What a step replays: all that the learning reconstruction branch needs, and what it shall make of it. Without gradients.
pub struct Recalled {
    /// λ of each picture, which weighs its error.
    pub lambdas: Vec<f32>,
    /// For z1 to z4 the latent and the entropy branch's feature after it. As that branch is frozen, the learner's is the same.
    pub seen: Vec<(Tensor<4>, Tensor<4>)>,
    /// `[B, H, W, 3]` in [-1, 1].
    pub target: Tensor<4>,
}

impl Teacher {
    /// Puts a generation's weights on a device.
    ///
    /// # Errors
    /// Weights that are not those of its spec.
    pub fn new(file: &ModelFile, device: &Device) -> Result<Self> {
        let (spec, device) = (&file.metadata.spec, device.clone().inner());
        let layout = Layout::new(spec);
        let weights = Weights::new(&layout, &export::values(&layout, &file.weights)?, &device, |_| false);
        Ok(Self { network: Network::new(spec, &layout)?, weights, ranges: file.metadata.lambda, device })
    }

    /// The latents of pictures in [-1, 1], NHWC, `size` by `size` (a multiple of 64), rounded as when coding, with what else
    /// is known of each level. One picture per λ, which lies in the generation's range.
    #[must_use]
    pub fn latents(&self, pixels: Tensor<4>, size: usize, lambdas: &[f32]) -> Vec<LevelOutput> {
        let embeddings = self.network.embed(&self.weights, lambdas, Some(&self.ranges), &self.device);
        let features = self.network.features(&self.weights, &embeddings, pixels);
        let grid = [lambdas.len(), size / 64, size / 64];
        self.network.levels(&self.weights, &embeddings, Some(&features), grid, Quantise::Round, &self.device)
    }

    /// Prepares what a step replays.
    #[must_use]
    pub fn recall(&self, remembered: Remembered) -> Recalled {
        let Remembered { crop, lambdas, content, .. } = remembered;
        let count = lambdas.len();
        let image = |pixels| step::pictures(pixels, count, crop, crop, &self.device);
        let pairs = |levels: Vec<LevelOutput>| levels.into_iter().map(|level| (level.latent, level.feature)).collect();
        match content {
            Content::Pictures(pixels) => {
                let target = image(pixels);
                let seen = pairs(self.latents(target.clone(), crop, &lambdas));
                Recalled { lambdas, seen, target }
            }
            Content::Latents { maps, shift } => {
                let latents: Vec<Tensor<4>> = maps
                    .into_iter()
                    .map(|(side, values)| {
                        let channels = values.len() / (count * side * side);
                        Tensor::from_data(TensorData::new(values, [count, side, side, channels]), &self.device)
                    })
                    .collect();
                let embeddings = self.network.embed(&self.weights, &lambdas, Some(&self.ranges), &self.device);
                let grid = [count, crop / 64, crop / 64];
                let given = Quantise::Given(&latents);
                let levels = self.network.levels(&self.weights, &embeddings, None, grid, given, &self.device);
                let seen: Vec<_> = pairs(levels);
                let of_old =
                    self.network.reconstruct(&self.weights, &embeddings.reconstruction, seen.clone(), &self.device);
                let target = match shift {
                    Some(shift) => of_old + image(shift),
                    None => of_old,
                };
                Recalled { lambdas, seen, target }
            }
        }
    }
}

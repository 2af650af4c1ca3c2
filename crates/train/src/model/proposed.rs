//! The proposed network as a [`System`].

use burn::tensor::Tensor;
use heirloom_codec::model::LambdaRanges;
use heirloom_format::container::CANVAS_UNIT;

use super::{
    initial::{self, Initial},
    level::LevelOutput,
    network::{Forward, Network},
    parameters::{Layout, Weights},
    quantise::Quantise,
    system::{Coded, LatentState, System},
};
use crate::{error::Result, ops};

fn state(levels: Vec<LevelOutput>) -> LatentState {
    let (latents, features) = levels.into_iter().map(|level| (level.latent, level.feature)).unzip();
    LatentState { latents, features }
}

/// Batch size, height and width of z1.
fn grid(images: &Tensor<4>) -> [usize; 3] {
    let [batch, height, width, _] = images.dims();
    [batch, height / CANVAS_UNIT, width / CANVAS_UNIT]
}

impl System for Network {
    fn initial(&self, layout: &Layout, start: Initial) -> Vec<f32> {
        initial::initial(self.spec(), layout, start)
    }

    fn code(
        &self,
        w: &Weights,
        images: Tensor<4>,
        lambdas: &[f32],
        ranges: Option<&LambdaRanges>,
        quantise: Quantise,
    ) -> Coded {
        let (grid, device) = (grid(&images), images.device());
        let embeddings = self.embed(w, lambdas, ranges, &device);
        let features = self.features(w, &embeddings, images);
        let Forward { levels, image } = self.top_down(w, &embeddings, Some(&features), grid, quantise, &device);
        drop(features);
        let bits = levels.iter().map(|level| ops::bits(level.prior.clone(), level.counted.clone()));
        let bits = bits.reduce(|sum, level| sum + level).unwrap_or_else(|| Tensor::zeros([grid[0]], &device));
        Coded { bits, latents: state(levels), image }
    }

    fn latents(&self, w: &Weights, images: Tensor<4>, lambdas: &[f32], ranges: Option<&LambdaRanges>) -> LatentState {
        let (grid, device) = (grid(&images), images.device());
        let embeddings = self.embed(w, lambdas, ranges, &device);
        let features = self.features(w, &embeddings, images);
        state(self.levels(w, &embeddings, Some(&features), grid, Quantise::Round, &device))
    }

    fn with_features(
        &self,
        w: &Weights,
        latents: Vec<Tensor<4>>,
        lambdas: &[f32],
        ranges: Option<&LambdaRanges>,
    ) -> LatentState {
        let Some([batch, height, width, _]) = latents.first().map(Tensor::dims) else {
            return LatentState { latents, features: Vec::new() };
        };
        let device = latents[0].device();
        let embeddings = self.embed(w, lambdas, ranges, &device);
        state(self.levels(w, &embeddings, None, [batch, height, width], Quantise::Given(&latents), &device))
    }

    fn reconstruct(
        &self,
        w: &Weights,
        latents: LatentState,
        lambdas: &[f32],
        ranges: Option<&LambdaRanges>,
    ) -> Result<Tensor<4>> {
        let (_, device) = latents.last()?;
        let embeddings = self.embed(w, lambdas, ranges, &device);
        let pairs = latents.latents.into_iter().zip(latents.features);
        Ok(Network::reconstruct(self, w, &embeddings.reconstruction, pairs, &device))
    }

    fn is_feature_matrix(&self, name: &str) -> bool {
        !["lambda", "modulation", "depthwise", ".step", "encoder.s4.down", "reconstruction.image"]
            .iter()
            .any(|part| name.contains(part))
    }
}

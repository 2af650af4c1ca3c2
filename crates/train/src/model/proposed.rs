//! The proposed network as a [`System`].

use burn::tensor::Tensor;
use heirloom_codec::model::LambdaRanges;

use super::{
    Coded, Forward, Layout, Network, Quantise, Seen, System, Weights,
    initial::{self, Initial},
    network::LevelOutput,
};
use crate::{Result, ops};

fn seen(levels: Vec<LevelOutput>) -> Seen {
    let (latents, features) = levels.into_iter().map(|level| (level.latent, level.feature)).unzip();
    Seen { latents, features }
}

/// Batch size, height and width of z1.
fn grid(images: &Tensor<4>) -> [usize; 3] {
    let [batch, height, width, _] = images.dims();
    [batch, height / 64, width / 64]
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
        let bits = levels.iter().map(|level| ops::bits(level.prior.clone(), level.rated.clone()));
        let bits = bits.reduce(|sum, level| sum + level).unwrap_or_else(|| Tensor::zeros([grid[0]], &device));
        Coded { bits, seen: seen(levels), image }
    }

    fn latents(&self, w: &Weights, images: Tensor<4>, lambdas: &[f32], ranges: Option<&LambdaRanges>) -> Seen {
        let (grid, device) = (grid(&images), images.device());
        let embeddings = self.embed(w, lambdas, ranges, &device);
        let features = self.features(w, &embeddings, images);
        seen(self.levels(w, &embeddings, Some(&features), grid, Quantise::Round, &device))
    }

    fn understand(&self, w: &Weights, latents: Vec<Tensor<4>>, lambdas: &[f32], ranges: Option<&LambdaRanges>) -> Seen {
        let Some([batch, height, width, _]) = latents.first().map(Tensor::dims) else {
            return Seen { latents, features: Vec::new() };
        };
        let device = latents[0].device();
        let embeddings = self.embed(w, lambdas, ranges, &device);
        seen(self.levels(w, &embeddings, None, [batch, height, width], Quantise::Given(&latents), &device))
    }

    fn reconstruct(
        &self,
        w: &Weights,
        seen: Seen,
        lambdas: &[f32],
        ranges: Option<&LambdaRanges>,
    ) -> Result<Tensor<4>> {
        let (_, device) = seen.last()?;
        let embeddings = self.embed(w, lambdas, ranges, &device);
        let pairs = seen.latents.into_iter().zip(seen.features);
        Ok(Network::reconstruct(self, w, &embeddings.reconstruction, pairs, &device))
    }

    fn between_features(&self, name: &str) -> bool {
        !["lambda", "modulation", "depthwise", "encoder.s4.down", "reconstruction.image"]
            .iter()
            .any(|part| name.contains(part))
    }
}

//! Each baseline as a [`System`].

use burn::tensor::Tensor;
use heirloom_codec::model::LambdaRanges;

use super::hyperprior::{Baseline, Pass};
use crate::{
    error::Result,
    model::{
        initial::Initial,
        parameters::{Layout, Weights},
        quantise::Quantise,
        system::{Coded, LatentState, System},
    },
    ops::rate,
};

fn state(latents: [Tensor<4>; 2]) -> LatentState {
    LatentState { latents: latents.into(), features: Vec::new() }
}

impl System for Baseline {
    fn initial(&self, layout: &Layout, start: Initial) -> Vec<f32> {
        self.start(layout, start.seed)
    }

    fn code(
        &self,
        w: &Weights,
        images: Tensor<4>,
        lambdas: &[f32],
        ranges: Option<&LambdaRanges>,
        quantise: Quantise,
    ) -> Coded {
        let conditions = self.conditions(w, lambdas, ranges, &images.device());
        let Pass { latents: [z, y], bits: [z_bits, y_bits], .. } = self.pass(w, &conditions, Some(images), quantise);
        let bits = rate::per_image(z_bits) + rate::per_image(y_bits);
        let image = self.image(w, &conditions, y.clone());
        Coded { bits, latents: state([z, y]), image }
    }

    fn latents(&self, w: &Weights, images: Tensor<4>, lambdas: &[f32], ranges: Option<&LambdaRanges>) -> LatentState {
        let conditions = self.conditions(w, lambdas, ranges, &images.device());
        state(self.rounded(w, &conditions, images))
    }

    /// The synthesis reads nothing but latents.
    fn with_features(&self, _: &Weights, latents: Vec<Tensor<4>>, _: &[f32], _: Option<&LambdaRanges>) -> LatentState {
        LatentState { latents, features: Vec::new() }
    }

    fn reconstruct(
        &self,
        w: &Weights,
        latents: LatentState,
        lambdas: &[f32],
        ranges: Option<&LambdaRanges>,
    ) -> Result<Tensor<4>> {
        // The image needs only the latent, not the hyper-latent.
        let (y, device) = latents.last()?;
        let conditions = self.conditions(w, lambdas, ranges, &device);
        Ok(self.image(w, &conditions, y))
    }

    fn is_feature_matrix(&self, name: &str) -> bool {
        let apart = [
            "lambda",
            "modulation",
            "gdn",
            "prior",
            "analysis.0.conv.",
            "analysis.0.conv1",
            "analysis.0.skip",
            "image",
        ];
        !apart.iter().any(|part| name.contains(part))
    }

    fn constrain_gradient(&self, layout: &Layout, values: &[f32], gradient: &mut [f32]) {
        Baseline::constrain_gradient(self, layout, values, gradient);
    }
}

//! Each baseline as a [`System`].

use burn::tensor::Tensor;
use heirloom_codec::model::LambdaRanges;

use super::{Baseline, Pass};
use crate::{
    Result,
    model::{Coded, Layout, Quantise, Seen, System, Weights, initial::Initial},
    ops::rate,
};

fn seen(latents: [Tensor<4>; 2]) -> Seen {
    Seen { latents: latents.into(), features: Vec::new() }
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
        let Pass { seen: [z, y], bits: [z_bits, y_bits], .. } = self.pass(w, &conditions, Some(images), quantise);
        let bits = rate::per_image(z_bits) + rate::per_image(y_bits);
        let image = self.image(w, &conditions, y.clone());
        Coded { bits, seen: seen([z, y]), image }
    }

    fn latents(&self, w: &Weights, images: Tensor<4>, lambdas: &[f32], ranges: Option<&LambdaRanges>) -> Seen {
        let conditions = self.conditions(w, lambdas, ranges, &images.device());
        seen(self.rounded(w, &conditions, images))
    }

    /// Both latents are all that the synthesis reads.
    fn understand(&self, _: &Weights, latents: Vec<Tensor<4>>, _: &[f32], _: Option<&LambdaRanges>) -> Seen {
        Seen { latents, features: Vec::new() }
    }

    fn reconstruct(
        &self,
        w: &Weights,
        seen: Seen,
        lambdas: &[f32],
        ranges: Option<&LambdaRanges>,
    ) -> Result<Tensor<4>> {
        // Of the two latents the image needs the last.
        let (y, device) = seen.last()?;
        let conditions = self.conditions(w, lambdas, ranges, &device);
        Ok(self.image(w, &conditions, y))
    }

    fn between_features(&self, name: &str) -> bool {
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

    fn hold(&self, layout: &Layout, values: &[f32], gradient: &mut [f32]) {
        Baseline::hold(self, layout, values, gradient);
    }
}

//! An earlier generation that turns old images or stored latents into latents and the images that
//! the new reconstruction branch should make of them.
//!
//! It runs as the training graph, without gradients, not as the codec: a whole batch at once, on
//! the device that trains. Its latents are those of a file except for rounding errors: they differ
//! by a whole step where q − μ lies within a rounding error of a half, and by about 1e-6 of μ
//! elsewhere. Latents from an archive are exactly those of the file.

use burn::tensor::{Device, Tensor, TensorData};
use heirloom_codec::model::LambdaRanges;

use super::{
    generation::Generation,
    sample::{Content, ReplaySample},
};
use crate::{
    error::Result,
    model::{
        parameters::Weights,
        system::{LatentState, System},
    },
    trainer::step::{self, ReplayBatch},
};

/// A generation with fixed weights on a device.
pub struct Teacher {
    system: Box<dyn System>,
    weights: Weights,
    ranges: LambdaRanges,
    device: Device,
}

impl Teacher {
    /// Puts a generation's weights on a device.
    ///
    /// # Errors
    /// Weights of another network than the generation's.
    pub fn new(generation: &Generation, device: &Device) -> Result<Self> {
        let device = device.clone().inner();
        let (layout, system) = generation.network().system()?;
        let weights = Weights::new(&layout, &generation.values()?, &device, |_| false);
        Ok(Self { system, weights, ranges: generation.ranges(), device })
    }

    /// Latents of images `[B, H, W, 3]` in [-1, 1], rounded as when coding, with the entropy
    /// branch's features. H and W are multiples of 64. One λ per image, within the generation's
    /// range.
    #[must_use]
    pub fn latents(&self, pixels: Tensor<4>, lambdas: &[f32]) -> LatentState {
        self.system.latents(&self.weights, pixels, lambdas, Some(&self.ranges))
    }

    /// Makes the batch of a step.
    ///
    /// # Errors
    /// A sample without latents.
    pub fn batch(&self, sample: ReplaySample) -> Result<ReplayBatch> {
        let ReplaySample { crop, lambdas, content, .. } = sample;
        let count = lambdas.len();
        let image = |pixels| step::images(pixels, count, crop, crop, &self.device);
        match content {
            Content::Images(pixels) => {
                let target = image(pixels);
                let latents = self.latents(target.clone(), &lambdas);
                Ok(ReplayBatch { lambdas, latents, target })
            }
            Content::Latents { maps, shift } => {
                let maps: Vec<Tensor<4>> = maps
                    .into_iter()
                    .map(|(side, values)| {
                        let channels = values.len() / (count * side * side);
                        Tensor::from_data(TensorData::new(values, [count, side, side, channels]), &self.device)
                    })
                    .collect();
                let (w, ranges) = (&self.weights, Some(&self.ranges));
                let latents = self.system.with_features(w, maps, &lambdas, ranges);
                let old = self.system.reconstruct(w, latents.clone(), &lambdas, ranges)?;
                let target = match shift {
                    Some(shift) => old + image(shift),
                    None => old,
                };
                Ok(ReplayBatch { lambdas, latents, target })
            }
        }
    }
}

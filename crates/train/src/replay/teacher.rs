//! An earlier generation at work: from old images or stored latents to what the new reconstruction branch shall make of
//! them.
//!
//! It runs as the training graph, without gradients, not as the codec: a whole batch at once, and on the device that trains. Its
//! latents are those of a file but for rounding errors: they differ by a whole step where q − μ lies within a rounding
//! error of a half, and by some 1e-6 of μ elsewhere. Latents from an archive are the file's own, to the bit.

use burn::tensor::{Device, Tensor, TensorData};
use heirloom_codec::model::LambdaRanges;

use super::{
    Generation,
    memory::{Content, Remembered},
};
use crate::{
    Result,
    model::{Seen, System, Weights},
    trainer::step,
};

/// A generation with fixed weights.
pub struct Teacher {
    system: Box<dyn System>,
    weights: Weights,
    ranges: LambdaRanges,
    device: Device,
}

/// What a step replays: all that the learning reconstruction branch needs, and what it shall make of it. Without gradients.
pub struct Recalled {
    /// λ of each image, which weighs its error.
    pub lambdas: Vec<f32>,
    /// The latents, and the entropy branch's features after them. As that branch is frozen, the learner's are the same.
    pub seen: Seen,
    /// `[B, H, W, 3]` in [-1, 1].
    pub target: Tensor<4>,
}

impl Teacher {
    /// Puts a generation's weights on a device.
    ///
    /// # Errors
    /// Weights that are not those of its network.
    pub fn new(generation: &Generation, device: &Device) -> Result<Self> {
        let device = device.clone().inner();
        let (layout, system) = generation.network().system()?;
        let weights = Weights::new(&layout, &generation.values()?, &device, |_| false);
        Ok(Self { system, weights, ranges: generation.ranges(), device })
    }

    /// The latents of images `[B, H, W, 3]` in [-1, 1], H and W multiples of 64, rounded as when coding, with what the entropy
    /// branch makes of them. One image per λ, which lies in the generation's range.
    #[must_use]
    pub fn latents(&self, pixels: Tensor<4>, lambdas: &[f32]) -> Seen {
        self.system.latents(&self.weights, pixels, lambdas, Some(&self.ranges))
    }

    /// Prepares what a step replays.
    ///
    /// # Errors
    /// Nothing to replay.
    pub fn recall(&self, remembered: Remembered) -> Result<Recalled> {
        let Remembered { crop, lambdas, content, .. } = remembered;
        let count = lambdas.len();
        let image = |pixels| step::images(pixels, count, crop, crop, &self.device);
        match content {
            Content::Images(pixels) => {
                let target = image(pixels);
                let seen = self.latents(target.clone(), &lambdas);
                Ok(Recalled { lambdas, seen, target })
            }
            Content::Latents { maps, shift } => {
                let latents: Vec<Tensor<4>> = maps
                    .into_iter()
                    .map(|(side, values)| {
                        let channels = values.len() / (count * side * side);
                        Tensor::from_data(TensorData::new(values, [count, side, side, channels]), &self.device)
                    })
                    .collect();
                let (w, ranges) = (&self.weights, Some(&self.ranges));
                let seen = self.system.understand(w, latents, &lambdas, ranges);
                let of_old = self.system.reconstruct(w, seen.clone(), &lambdas, ranges)?;
                let target = match shift {
                    Some(shift) => of_old + image(shift),
                    None => of_old,
                };
                Ok(Recalled { lambdas, seen, target })
            }
        }
    }
}

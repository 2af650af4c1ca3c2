//! Drawing the images, crops and λ of a step.

use fast_image_resize::Resizer;
use serde::{Deserialize, Serialize};

use super::{
    crop::{Augmentation, Crop},
    images::Images,
};
use crate::{
    error::Result,
    random::{Random, shuffled},
};

const CROP_STREAM: u64 = 0xC401;
const LAMBDA_STREAM: u64 = 0x1A3B;

/// New images of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Number of the step.
    pub step: u64,
    /// Side of the crops in pixels.
    pub crop: usize,
    /// NHWC values in [-1, 1], `lambdas.len() * crop * crop * 3` of them.
    pub pixels: Vec<f32>,
    /// λ of each crop.
    pub lambdas: Vec<f32>,
}

/// Shape of a step's batch, and the number of crops drawn before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchShape {
    /// Side of the crops in pixels.
    pub crop: usize,
    /// Number of crops.
    pub batch: usize,
    /// Number of crops in all steps before.
    pub samples_before: u64,
}

/// Distribution of λ between its lowest and its highest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LambdaLaw {
    /// λ = t³ with t uniform between the cube roots of the ends, as in Duan et al., CVPR 2024.
    #[default]
    CubeRoot,
    /// The logarithm of λ is uniform, so that every octave is drawn equally often. Low rates are
    /// seen more often than by the cube root.
    LogUniform,
}

impl LambdaLaw {
    /// λ in [`low`, `high`] at the quantile `unit` in [0, 1).
    #[must_use]
    pub fn lambda(self, [low, high]: [f32; 2], unit: f32) -> f32 {
        let lambda = match self {
            Self::CubeRoot => {
                let [low, high] = [low, high].map(f32::cbrt);
                (low + (high - low) * unit).powi(3)
            }
            Self::LogUniform => (f64::from(low) * (f64::from(high) / f64::from(low)).powf(f64::from(unit))) as f32,
        };
        lambda.clamp(low, high)
    }
}

/// Draws batches. Every choice is a function of seed and step.
#[derive(Clone, Debug)]
pub struct BatchSampler {
    pub seed: u64,
    pub augmentation: Augmentation,
    /// Lowest and highest λ.
    pub lambda: [f32; 2],
    pub law: LambdaLaw,
}

impl BatchSampler {
    /// Draws the batch of `step`. Images come in a random order, each once per epoch.
    ///
    /// # Errors
    /// An image that can no longer be read.
    pub fn batch(&self, images: &Images, step: u64, shape: BatchShape, resizer: &mut Resizer) -> Result<Batch> {
        let BatchShape { crop: side, batch, samples_before } = shape;
        let (n, mut pixels) = (images.len(), Vec::with_capacity(batch * side * side * 3));
        for i in 0..batch {
            let sample = samples_before + i as u64;
            let index = shuffled(self.seed, sample / n as u64, (sample % n as u64) as usize, n);
            let mut random = Random::new(self.seed, CROP_STREAM, sample);
            let crop = Crop::draw(images.size(index), side, &self.augmentation, &mut random);
            crop.cut(&*images.rows(index, crop.rows())?, resizer, &mut pixels);
        }
        let mut random = Random::new(self.seed, LAMBDA_STREAM, step);
        let lambdas = (0..batch).map(|_| self.law.lambda(self.lambda, random.unit())).collect();
        Ok(Batch { step, crop: side, pixels, lambdas })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laws_reach_both_ends_and_have_their_medians() {
        let range = [8.0, 8192.0];
        // The middle of the cube roots 2 and 20.1587, to the third power; the geometric mean.
        for (law, median) in [(LambdaLaw::CubeRoot, 1360.019), (LambdaLaw::LogUniform, 256.0)] {
            assert_eq!(law.lambda(range, 0.0), 8.0);
            assert!(law.lambda(range, 0.999_999_9) > 8190.0);
            let found = law.lambda(range, 0.5);
            assert!((found / median - 1.0).abs() < 1e-5, "{law:?}: {found} instead of {median}");
            assert_eq!(law.lambda([64.0, 64.0], 0.3), 64.0);
        }
    }

    #[test]
    fn log_uniform_draws_every_octave_equally_often() {
        let mut random = Random::new(3, 3, 3);
        let mut counts = [0; 10];
        for _ in 0..10_000 {
            let lambda = LambdaLaw::LogUniform.lambda([8.0, 8192.0], random.unit());
            counts[((lambda / 8.0).log2() as usize).min(9)] += 1;
        }
        // Five standard deviations of a binomial count.
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }
}

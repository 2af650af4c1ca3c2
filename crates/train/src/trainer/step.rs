//! One step: forward, loss, backward, gradient.

use burn::tensor::{Device, Tensor, TensorData};
use heirloom_codec::model::LambdaRanges;

use super::config::Config;
use crate::{
    data::sampler::Batch,
    error::{Result, TrainError},
    model::{
        parameters::{Layout, Weights},
        quantise::Quantise,
        system::{Coded, LatentState, System},
    },
    ops,
};

/// Loss of a step, apart for new and replayed images.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Mean over the new images; none where all are replayed.
    pub fresh: Option<MeanCost>,
    /// Mean over the replayed images; none without replay.
    pub replay: Option<MeanCost>,
}

impl Cost {
    /// Whether both losses are finite.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        [self.fresh, self.replay].iter().flatten().all(|mean| mean.loss.is_finite())
    }
}

/// Means over images.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MeanCost {
    /// bpp + λ · MSE, or λ · MSE for replayed images.
    pub loss: f64,
    /// Bits of all latents per pixel; 0 for replayed images.
    pub bpp: f64,
    /// Mean squared error on the [-1, 1] scale.
    pub mse: f64,
}

impl MeanCost {
    /// Every number divided by `n`.
    #[must_use]
    pub fn over(self, n: f64) -> Self {
        Self { loss: self.loss / n, bpp: self.bpp / n, mse: self.mse / n }
    }
}

/// Latents that a step replays, and the images that the learning reconstruction branch should make
/// of them. Recorded by no graph.
pub struct ReplayBatch {
    /// λ of each image, which weighs its error.
    pub lambdas: Vec<f32>,
    /// Latents, and the entropy branch's features after them. That branch is frozen, so the
    /// learner's features are the same.
    pub latents: LatentState,
    /// `[B, H, W, 3]` in [-1, 1].
    pub target: Tensor<4>,
}

/// Input of a step: new images, replayed ones, or both.
pub struct StepInput {
    /// New images, for the whole network.
    pub fresh: Option<Batch>,
    /// Latents, for the reconstruction branch.
    pub replay: Option<ReplayBatch>,
}

/// Weight of an image in the loss by its λ: (middle / λ)^exponent.
///
/// The paper's exponent is 0. As MSE falls about as 1/√λ, the gradient of an image at λ = 4096 is
/// then some thirty times that of one at λ = 4, and low rates hardly learn when a range grows. With
/// 0.5 a decibel weighs about the same at every rate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Balance {
    pub exponent: f64,
    /// λ at which the weight is 1.
    pub middle: f64,
}

impl Balance {
    /// Balance of a run, around the geometric middle of its range of λ.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let [low, high] = config.lambda.map(f64::from);
        Self { exponent: config.balance, middle: (low * high).sqrt() }
    }

    fn weight(self, lambda: f32) -> f64 {
        if self.exponent == 0.0 { 1.0 } else { (self.middle / f64::from(lambda)).powf(self.exponent) }
    }
}

/// A network that learns on a device.
pub struct Learner<'a> {
    pub network: &'a dyn System,
    pub layout: &'a Layout,
    /// Range of λ of each branch, to which it is clamped; none for no clamping.
    pub ranges: Option<LambdaRanges>,
    pub balance: Balance,
    /// A device with automatic differentiation.
    pub device: &'a Device,
}

/// Copies a tensor's values from its device.
///
/// # Errors
/// A device that fails.
pub(super) fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    tensor.try_into_vec_as::<f32>().map_err(|e| TrainError::Device(format!("cannot read a tensor back: {e:?}")))
}

/// Images as a tensor `[B, H, W, 3]`.
#[must_use]
pub fn images(pixels: Vec<f32>, batch: usize, height: usize, width: usize, device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(pixels, [batch, height, width, 3]), device)
}

impl Learner<'_> {
    /// Forward and backward pass of one step. Writes the gradient of the loss into `gradient`, or
    /// leaves it unchanged if the loss is not finite.
    ///
    /// The loss is the mean over all images of bpp + λ · MSE for new ones and λ · MSE for replayed
    /// ones (Duan et al., CVPR 2024, section 4.1), each image weighted by its [`Balance`]. The
    /// returned costs are without that weight.
    ///
    /// # Errors
    /// A tensor that cannot be read back, or no image at all.
    pub fn learn(&self, weights: &Weights, input: StepInput, quantise: Quantise, gradient: &mut [f32]) -> Result<Cost> {
        let count = |fresh: &Option<Batch>| fresh.as_ref().map_or(0, |batch| batch.lambdas.len());
        let images = count(&input.fresh) + input.replay.as_ref().map_or(0, |replay| replay.lambdas.len());
        let (mut cost, mut objectives) = (Cost::default(), Vec::new());
        if let Some(batch) = input.fresh {
            let (objective, mean) = self.fresh(weights, batch, quantise, images)?;
            cost.fresh = Some(mean);
            objectives.push(objective);
        }
        if let Some(batch) = input.replay {
            let (objective, mean) = self.replayed(weights, batch, images)?;
            cost.replay = Some(mean);
            objectives.push(objective);
        }
        let Some(objective) = objectives.into_iter().reduce(|sum, objective| sum + objective) else {
            return Err(TrainError::Data("a step has nothing to learn from".into()));
        };
        if cost.is_finite() {
            let mut gradients = objective.backward();
            weights.gradients(self.layout, &mut gradients, gradient)?;
        }
        Ok(cost)
    }

    /// Share of the new images in the loss of a step of `images` images in all, and their mean
    /// cost.
    fn fresh(&self, w: &Weights, batch: Batch, quantise: Quantise, images: usize) -> Result<(Tensor<1>, MeanCost)> {
        let (network, device) = (self.network, self.device);
        let (count, crop) = (batch.lambdas.len(), batch.crop);
        let area = (crop * crop) as f64;
        let x = self::images(batch.pixels, count, crop, crop, device);
        let Coded { bits, image, .. } = network.code(w, x.clone(), &batch.lambdas, self.ranges.as_ref(), quantise);

        let errors = ops::squared_error(image, x);
        let scale = area * images as f64;
        let weigh = |of: fn(f32) -> f64| self.weighed(&batch.lambdas, scale, of);
        let objective = (bits.clone() * weigh(|_| 1.0) + errors.clone() * weigh(per_error)).sum();

        let mut mean = MeanCost::default();
        for ((bits, error), lambda) in read(bits)?.into_iter().zip(read(errors)?).zip(&batch.lambdas) {
            let (bpp, mse) = (f64::from(bits) / area, f64::from(error) / (3.0 * area));
            mean.bpp += bpp / count as f64;
            mean.mse += mse / count as f64;
            mean.loss += (bpp + f64::from(*lambda) * mse) / count as f64;
        }
        Ok((objective, mean))
    }

    /// Share of the replayed images in the loss of a step of `images` images in all, and their mean
    /// cost.
    fn replayed(&self, w: &Weights, batch: ReplayBatch, images: usize) -> Result<(Tensor<1>, MeanCost)> {
        let ReplayBatch { lambdas, latents, target } = batch;
        let [count, height, width, _] = target.dims();
        let area = (height * width) as f64;
        let latents = latents.map(Tensor::from_inner);
        let image = self.network.reconstruct(w, latents, &lambdas, self.ranges.as_ref())?;
        let errors = ops::squared_error(image, Tensor::from_inner(target));
        let objective = (errors.clone() * self.weighed(&lambdas, area * images as f64, per_error)).sum();

        let mut mean = MeanCost::default();
        for (error, lambda) in read(errors)?.into_iter().zip(&lambdas) {
            let mse = f64::from(error) / (3.0 * area);
            mean.mse += mse / count as f64;
            mean.loss += f64::from(*lambda) * mse / count as f64;
        }
        Ok((objective, mean))
    }

    /// `of(λ)` times the weight of λ over `scale`, for each image.
    fn weighed(&self, lambdas: &[f32], scale: f64, of: fn(f32) -> f64) -> Tensor<1> {
        let factors: Vec<f32> = lambdas.iter().map(|l| (of(*l) * self.balance.weight(*l) / scale) as f32).collect();
        Tensor::from_data(TensorData::new(factors, [lambdas.len()]), self.device)
    }
}

/// Factor from the sum of squared errors over three channels to λ · MSE · pixels.
fn per_error(lambda: f32) -> f64 {
    f64::from(lambda) / 3.0
}

//! One step: forward, loss, backward, gradient.

use burn::tensor::{Device, Tensor, TensorData};
use heirloom_codec::model::LambdaRanges;

use crate::{
    Result, TrainError,
    data::Batch,
    model::{Coded, Layout, Quantise, System, Weights},
    ops,
    replay::Recalled,
    trainer::Config,
};

/// What a step cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Of the new images; none where all are replayed.
    pub fresh: Option<Part>,
    /// Of the replayed images; none without replay.
    pub replay: Option<Part>,
}

impl Cost {
    /// Whether neither loss is infinite or not a number.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        [self.fresh, self.replay].iter().flatten().all(|part| part.loss.is_finite())
    }
}

/// What images cost, averaged over them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Part {
    /// bpp + λ · MSE.
    pub loss: f64,
    /// Bits of all latents per pixel; 0 where they are given.
    pub bpp: f64,
    /// Mean squared error on the [-1, 1] scale.
    pub mse: f64,
}

impl Part {
    /// Each number divided by `n`.
    #[must_use]
    pub fn over(self, n: f64) -> Self {
        Self { loss: self.loss / n, bpp: self.bpp / n, mse: self.mse / n }
    }
}

/// What a step learns from. At least one of the two is there.
pub struct Work {
    /// New images, through the whole network.
    pub fresh: Option<Batch>,
    /// Latents of old files, through the reconstruction branch.
    pub replay: Option<Recalled>,
}

/// How much an image counts by its λ: (middle / λ)^exponent.
///
/// The method has exponent 0. As MSE falls about as 1/√λ, an image at λ = 4096 then pulls some thirty times as hard as one at
/// λ = 4, and low rates hardly learn when a range grows. With 0.5 a decibel weighs about the same everywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct Balance {
    pub exponent: f64,
    /// λ at which an image counts once.
    pub middle: f64,
}

impl Balance {
    /// That of a run, around the geometric middle of its range.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let [low, high] = config.lambda.map(f64::from);
        Self { exponent: config.balance, middle: (low * high).sqrt() }
    }

    fn weight(self, lambda: f32) -> f64 {
        if self.exponent == 0.0 { 1.0 } else { (self.middle / f64::from(lambda)).powf(self.exponent) }
    }
}

/// The network that learns, and where.
pub struct Learner<'a> {
    pub network: &'a dyn System,
    pub layout: &'a Layout,
    /// Ranges to which λ is clamped.
    pub ranges: Option<LambdaRanges>,
    pub balance: Balance,
    /// With automatic differentiation.
    pub device: &'a Device,
}

pub(super) fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    tensor.try_into_vec_as::<f32>().map_err(|e| TrainError::Device(format!("cannot read a tensor back: {e:?}")))
}

/// The batch's images as a tensor.
#[must_use]
pub fn images(pixels: Vec<f32>, batch: usize, height: usize, width: usize, device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(pixels, [batch, height, width, 3]), device)
}

impl Learner<'_> {
    /// Forward and backward of one step. `gradient` gets the gradient of the loss, unless the loss is not finite: then it is
    /// left as it was.
    ///
    /// The loss is the mean over all images, new ones costing bpp + λ · MSE and replayed ones λ · MSE: the sum of both means,
    /// weighted by how many they are (method, knowledge replay), each image by its [`Balance`]. Costs are told without it.
    ///
    /// # Errors
    /// A tensor that cannot be read back, or no image at all.
    pub fn learn(&self, weights: &Weights, work: Work, quantise: Quantise, gradient: &mut [f32]) -> Result<Cost> {
        let count = |fresh: &Option<Batch>| fresh.as_ref().map_or(0, |batch| batch.lambdas.len());
        let images = count(&work.fresh) + work.replay.as_ref().map_or(0, |replay| replay.lambdas.len());
        let (mut cost, mut objectives) = (Cost::default(), Vec::new());
        if let Some(batch) = work.fresh {
            let (objective, part) = self.fresh(weights, batch, quantise, images)?;
            cost.fresh = Some(part);
            objectives.push(objective);
        }
        if let Some(recalled) = work.replay {
            let (objective, part) = self.replayed(weights, recalled, images)?;
            cost.replay = Some(part);
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

    /// What new images add to the loss of a step of so many images in all.
    fn fresh(&self, w: &Weights, batch: Batch, quantise: Quantise, images: usize) -> Result<(Tensor<1>, Part)> {
        let (network, device) = (self.network, self.device);
        let (count, crop) = (batch.lambdas.len(), batch.crop);
        let area = (crop * crop) as f64;
        let x = self::images(batch.pixels, count, crop, crop, device);
        let Coded { bits, image, .. } = network.code(w, x.clone(), &batch.lambdas, self.ranges.as_ref(), quantise);

        let errors = ops::squared_error(image, x);
        let scale = area * images as f64;
        let weigh = |of: fn(f32) -> f64| self.weighed(&batch.lambdas, scale, of);
        let objective = (bits.clone() * weigh(|_| 1.0) + errors.clone() * weigh(per_error)).sum();

        let mut part = Part::default();
        for ((bits, error), lambda) in read(bits)?.into_iter().zip(read(errors)?).zip(&batch.lambdas) {
            let (bpp, mse) = (f64::from(bits) / area, f64::from(error) / (3.0 * area));
            part.bpp += bpp / count as f64;
            part.mse += mse / count as f64;
            part.loss += (bpp + f64::from(*lambda) * mse) / count as f64;
        }
        Ok((objective, part))
    }

    /// What replayed images add to the loss of a step of so many images in all.
    fn replayed(&self, w: &Weights, recalled: Recalled, images: usize) -> Result<(Tensor<1>, Part)> {
        let Recalled { lambdas, seen, target } = recalled;
        let [count, height, width, _] = target.dims();
        let area = (height * width) as f64;
        let seen = seen.map(Tensor::from_inner);
        let image = self.network.reconstruct(w, seen, &lambdas, self.ranges.as_ref())?;
        let errors = ops::squared_error(image, Tensor::from_inner(target));
        let objective = (errors.clone() * self.weighed(&lambdas, area * images as f64, per_error)).sum();

        let mut part = Part::default();
        for (error, lambda) in read(errors)?.into_iter().zip(&lambdas) {
            let mse = f64::from(error) / (3.0 * area);
            part.mse += mse / count as f64;
            part.loss += f64::from(*lambda) * mse / count as f64;
        }
        Ok((objective, part))
    }

    /// For each image what `of` says of its λ, times its weight, over `scale`.
    fn weighed(&self, lambdas: &[f32], scale: f64, of: fn(f32) -> f64) -> Tensor<1> {
        let factors: Vec<f32> = lambdas.iter().map(|l| (of(*l) * self.balance.weight(*l) / scale) as f32).collect();
        Tensor::from_data(TensorData::new(factors, [lambdas.len()]), self.device)
    }
}

/// What turns a sum of squared errors over three channels into λ · MSE, but for the number of pixels.
fn per_error(lambda: f32) -> f64 {
    f64::from(lambda) / 3.0
}

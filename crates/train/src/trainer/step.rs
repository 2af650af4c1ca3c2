//! One step: forward, loss, backward, gradient.

use burn::tensor::{Device, Tensor, TensorData};

use crate::{
    Result, TrainError,
    data::Batch,
    model::{Forward, Layout, Network, Quantise, Weights, network::LevelOutput},
    ops,
};

/// What a batch cost, averaged over its pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// bpp + λ · MSE.
    pub loss: f64,
    /// Bits of all latents per pixel.
    pub bpp: f64,
    /// Mean squared error on the [-1, 1] scale.
    pub mse: f64,
}

/// Bits of all levels per picture, `[B]`.
fn bits(levels: &[LevelOutput]) -> Result<Tensor<1>> {
    let levels = levels.iter().map(|level| ops::bits(level.prior.clone(), level.rated.clone()));
    levels.reduce(|sum, level| sum + level).ok_or_else(|| TrainError::Parameter("the network has no levels".into()))
}

fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    tensor.try_into_vec_as::<f32>().map_err(|e| TrainError::Device(format!("cannot read a tensor back: {e:?}")))
}

/// The batch's pictures as a tensor.
#[must_use]
pub fn pictures(pixels: Vec<f32>, batch: usize, height: usize, width: usize, device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(pixels, [batch, height, width, 3]), device)
}

/// Forward and backward of one batch on a device with automatic differentiation. `gradient` gets the gradient of the
/// loss, unless the loss is not finite: then it is left as it was.
///
/// # Errors
/// A tensor that cannot be read back.
pub fn learn(
    network: &Network,
    layout: &Layout,
    weights: &Weights,
    batch: Batch,
    quantise: Quantise,
    device: &Device,
    gradient: &mut [f32],
) -> Result<Cost> {
    let (count, crop) = (batch.lambdas.len(), batch.crop);
    let area = (crop * crop) as f64;
    let x = pictures(batch.pixels, count, crop, crop, device);
    let embeddings = network.embed(weights, &batch.lambdas, None, device);
    let features = network.features(weights, &embeddings, x.clone());
    let Forward { levels, picture } =
        network.top_down(weights, &embeddings, Some(&features), [count, crop / 64, crop / 64], quantise, device);
    drop(features);

    let bits = bits(&levels)?;
    let errors = ops::squared_error(picture, x);
    let scale = area * count as f64;
    let factors: Vec<f32> = batch.lambdas.iter().map(|l| (f64::from(*l) / (3.0 * scale)) as f32).collect();
    let factors = Tensor::<1>::from_data(TensorData::new(factors, [count]), device);
    let objective = (bits.clone().mul_scalar((1.0 / scale) as f32) + errors.clone() * factors).sum();

    let mut cost = Cost::default();
    for ((bits, error), lambda) in read(bits)?.into_iter().zip(read(errors)?).zip(&batch.lambdas) {
        let (bpp, mse) = (f64::from(bits) / area, f64::from(error) / (3.0 * area));
        cost.bpp += bpp / count as f64;
        cost.mse += mse / count as f64;
        cost.loss += (bpp + f64::from(*lambda) * mse) / count as f64;
    }
    if cost.loss.is_finite() {
        let mut gradients = objective.backward();
        weights.gradients(layout, &mut gradients, gradient)?;
    }
    Ok(cost)
}

/// One picture through the network as the codec would: rounded latents. Estimated bits, and the pixels in [-1, 1].
/// `pixels` are `height` by `width` by 3, both multiples of 64.
///
/// # Errors
/// A tensor that cannot be read back.
pub fn code(
    network: &Network,
    weights: &Weights,
    pixels: Vec<f32>,
    size: (usize, usize),
    lambda: f32,
    device: &Device,
) -> Result<(f64, Vec<f32>)> {
    let (height, width) = size;
    let x = pictures(pixels, 1, height, width, device);
    let embeddings = network.embed(weights, &[lambda], None, device);
    let features = network.features(weights, &embeddings, x);
    let out =
        network.top_down(weights, &embeddings, Some(&features), [1, height / 64, width / 64], Quantise::Round, device);
    let bits = read(bits(&out.levels)?)?.iter().map(|bits| f64::from(*bits)).sum();
    Ok((bits, read(out.picture)?))
}

//! One step: forward, loss, backward, gradient.

use burn::tensor::{Device, Tensor, TensorData};

use crate::{
    Result, TrainError,
    data::Batch,
    model::{Forward, Layout, Network, Quantise, Weights, network::LevelOutput, rate},
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

/// The bits of every picture: `[level][picture]`, and the derivatives that the loss needs.
struct Rated {
    bits: Vec<Vec<f64>>,
    surrogate: Tensor<1>,
}

/// A value whose gradient is that of `Σ bits · weight`: the derivatives were computed by hand ([`rate::bits`]), so they
/// enter the graph as constant factors.
fn rated(levels: &[LevelOutput], weight: f32) -> Result<Rated> {
    let (mut bits, mut surrogate) = (Vec::new(), None);
    for level in levels {
        let residual = level.latent.clone() - level.prior_mean.clone();
        let of = rate::bits(residual.clone(), level.prior_scale.clone());
        bits.push(per_picture(of.bits)?);
        let by_residual = Tensor::from_inner(of.by_residual.mul_scalar(weight));
        let by_scale = Tensor::from_inner(of.by_scale.mul_scalar(weight));
        let term = (residual * by_residual + level.prior_scale.clone() * by_scale).sum();
        surrogate = Some(match surrogate {
            None => term,
            Some(sum) => sum + term,
        });
    }
    let surrogate = surrogate.ok_or_else(|| TrainError::Parameter("the network has no levels".into()))?;
    Ok(Rated { bits, surrogate })
}

/// Sums over all but the first dimension.
fn per_picture(values: Tensor<4>) -> Result<Vec<f64>> {
    let [b, h, w, c] = values.dims();
    let sums = read(values.inner().reshape([b * h, w * c]).sum_dim(1).reshape([b * h]))?;
    Ok(sums.chunks_exact(h.max(1)).map(|rows| rows.iter().map(|v| f64::from(*v)).sum()).collect())
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
    noise_seed: u64,
    device: &Device,
    gradient: &mut [f32],
) -> Result<Cost> {
    let (count, crop) = (batch.lambdas.len(), batch.crop);
    let area = (crop * crop) as f64;
    let x = pictures(batch.pixels, count, crop, crop, device);
    let embeddings = network.embed(weights, &batch.lambdas, None, device);
    let features = network.features(weights, &embeddings, x.clone());
    let quantise = Quantise::Noise { seed: noise_seed, step: batch.step };
    let Forward { levels, picture } =
        network.top_down(weights, &embeddings, Some(&features), [count, crop / 64, crop / 64], quantise, device);
    drop(features);

    let rated = rated(&levels, (1.0 / (area * count as f64)) as f32)?;
    let squared = (picture - x).square();
    let errors = per_picture(squared.clone())?;
    let factors: Vec<f32> =
        batch.lambdas.iter().map(|l| (f64::from(*l) / (3.0 * area * count as f64)) as f32).collect();
    let factors = Tensor::<4>::from_data(TensorData::new(factors, [count, 1, 1, 1]), device);
    let objective = rated.surrogate + (squared * factors).sum();

    let mut cost = Cost::default();
    for (i, lambda) in batch.lambdas.iter().enumerate() {
        let bpp = rated.bits.iter().map(|level| level[i]).sum::<f64>() / area;
        let mse = errors[i] / (3.0 * area);
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
    let mut bits = 0.0;
    for level in &out.levels {
        let of = rate::bits(level.latent.clone() - level.prior_mean.clone(), level.prior_scale.clone());
        bits += per_picture(of.bits)?.iter().sum::<f64>();
    }
    Ok((bits, read(out.picture)?))
}

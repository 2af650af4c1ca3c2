//! Estimated rate and PSNR of whole images, coded as the codec would.

use std::borrow::Cow;

use burn::tensor::Device;
use heirloom_codec::model::LambdaRanges;
use heirloom_format::container::CANVAS_UNIT;
use serde::Serialize;

use super::{network_config::NetworkConfig, step};
use crate::{
    data::{
        image::{RgbImage, to_byte},
        images::Images,
    },
    error::{Result, TrainError},
    model::{
        parameters::Weights,
        quantise::Quantise,
        system::{Coded, System},
    },
};

/// Means over images at one λ.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    pub lambda: f32,
    /// Estimated bits per pixel of the image without padding.
    pub bpp: f64,
    /// PSNR of 8-bit RGB in dB.
    pub psnr: f64,
    /// bpp + λ · MSE.
    pub loss: f64,
    /// Number of images.
    pub images: usize,
}

/// A network with fixed weights, run without gradients.
pub struct Evaluator {
    network: NetworkConfig,
    system: Box<dyn System>,
    weights: Weights,
    ranges: Option<LambdaRanges>,
    device: Device,
}

impl Evaluator {
    /// Puts the flat weights `values` on a device. `ranges` are the ranges to which λ is clamped;
    /// none for no clamping.
    ///
    /// # Errors
    /// A network with numbers out of range, or the wrong number of weights.
    pub fn new(network: &NetworkConfig, values: &[f32], ranges: Option<LambdaRanges>, device: &Device) -> Result<Self> {
        let device = device.clone().inner();
        let (layout, system) = network.system()?;
        if values.len() != layout.len() {
            let (got, expected) = (values.len(), layout.len());
            return Err(TrainError::Parameter(format!("got {got} weights; the network has {expected}")));
        }
        let weights = Weights::new(&layout, values, &device, |_| false);
        Ok(Self { network: network.resolved(), system, weights, ranges, device })
    }

    /// The network, with every number written out.
    #[must_use]
    pub fn network(&self) -> &NetworkConfig {
        &self.network
    }

    /// Estimates the bits of an image and its mean squared error in 8-bit RGB.
    ///
    /// # Errors
    /// A tensor that cannot be read back.
    pub fn image(&self, image: &RgbImage, lambda: f32) -> Result<(f64, f64)> {
        let (coded, width) = self.coded(image, lambda);
        let bits = step::read(coded.bits)?.iter().map(|bits| f64::from(*bits)).sum();
        Ok((bits, squared_error(image, &step::read(coded.image)?, width)))
    }

    /// Estimates like [`Self::image`], but with the image that `decoder` makes of the latents, as
    /// of a file which this system wrote. The latents are passed on as they are, even to a decoder
    /// with another entropy branch, which could not read the file.
    ///
    /// # Errors
    /// A tensor that cannot be read back; a decoder of another network.
    pub fn image_decoded_by(&self, decoder: &Self, image: &RgbImage, lambda: f32) -> Result<(f64, f64)> {
        if self.network != decoder.network {
            return Err(TrainError::Config("the decoder's network differs from the encoder's".into()));
        }
        let (coded, width) = self.coded(image, lambda);
        let bits = step::read(coded.bits)?.iter().map(|bits| f64::from(*bits)).sum();
        let (w, ranges) = (&decoder.weights, decoder.ranges.as_ref());
        let latents = decoder.system.with_features(w, coded.latents.latents, &[lambda], ranges);
        let decoded = decoder.system.reconstruct(w, latents, &[lambda], ranges)?;
        Ok((bits, squared_error(image, &step::read(decoded)?, width)))
    }

    /// The coded image, and the width it was padded to.
    fn coded(&self, image: &RgbImage, lambda: f32) -> (Coded, usize) {
        let (pixels, height, width) = image.padded(CANVAS_UNIT);
        let x = step::images(pixels, 1, height, width, &self.device);
        (self.system.code(&self.weights, x, &[lambda], self.ranges.as_ref(), Quantise::Round), width)
    }

    /// Means over `images` at each λ.
    ///
    /// # Errors
    /// Errors of [`Self::image`].
    pub fn points<'a>(
        &self,
        images: impl Fn() -> Box<dyn Iterator<Item = Result<Cow<'a, RgbImage>>> + 'a>,
        lambdas: &[f32],
    ) -> Result<Vec<Point>> {
        let mut out = Vec::new();
        for &lambda in lambdas {
            let mut point = Point { lambda, bpp: 0.0, psnr: 0.0, loss: 0.0, images: 0 };
            for image in images() {
                let image = image?;
                let (bits, mse) = self.image(&image, lambda)?;
                let bpp = bits / (image.width * image.height) as f64;
                point.bpp += bpp;
                point.psnr += psnr(mse);
                point.loss += bpp + f64::from(lambda) * mse / (127.5 * 127.5);
                point.images += 1;
            }
            let n = point.images.max(1) as f64;
            (point.bpp, point.psnr, point.loss) = (point.bpp / n, point.psnr / n, point.loss / n);
            out.push(point);
        }
        Ok(out)
    }

    /// Means over the first `limit` of `images` at each λ.
    ///
    /// # Errors
    /// An image or tensor that cannot be read.
    pub fn first_images(&self, images: &Images, limit: usize, lambdas: &[f32]) -> Result<Vec<Point>> {
        let count = images.len().min(limit);
        self.points(|| Box::new((0..count).map(|i| images.image(i))), lambdas)
    }

    /// Means over images in memory at each λ.
    ///
    /// # Errors
    /// A tensor that cannot be read back.
    pub fn images(&self, images: &[RgbImage], lambdas: &[f32]) -> Result<Vec<Point>> {
        self.points(|| Box::new(images.iter().map(|p| Ok(Cow::Borrowed(p)))), lambdas)
    }
}

/// Mean squared error in 8-bit RGB of decoded values in [-1, 1], whose rows are `width` pixels
/// long.
fn squared_error(image: &RgbImage, decoded: &[f32], width: usize) -> f64 {
    let mut sum = 0u64;
    for (y, row) in image.rgb.chunks_exact(image.width * 3).enumerate() {
        let decoded = &decoded[y * width * 3..][..image.width * 3];
        for (a, b) in row.iter().zip(decoded) {
            let d = i32::from(*a) - i32::from(to_byte(*b));
            sum += (d * d) as u64;
        }
    }
    sum as f64 / image.rgb.len() as f64
}

/// PSNR in dB of a mean squared error in 8-bit units; 100 for no error.
#[must_use]
pub fn psnr(mse: f64) -> f64 {
    if mse > 0.0 { (10.0 * (255.0 * 255.0 / mse).log10()).min(100.0) } else { 100.0 }
}

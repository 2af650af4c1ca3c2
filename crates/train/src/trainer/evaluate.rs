//! Estimated rate and PSNR of whole images, as the codec would code them.

use burn::tensor::Device;
use heirloom_codec::model::LambdaRanges;
use serde::Serialize;

use super::{config::NetworkConfig, step};
use crate::{
    Result, TrainError,
    data::{Folder, RgbImage, image::to_byte},
    model::{Coded, Quantise, System, Weights},
};

/// Averages over images at one λ.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    pub lambda: f32,
    /// Estimated bits per pixel of the true size, mean over images.
    pub bpp: f64,
    /// Of 8-bit RGB in dB, mean over images.
    pub psnr: f64,
    /// bpp + λ · MSE, mean over images.
    pub loss: f64,
    pub images: usize,
}

/// A network with given weights, ready to run without gradients.
pub struct Evaluator {
    network: NetworkConfig,
    system: Box<dyn System>,
    weights: Weights,
    ranges: Option<LambdaRanges>,
    device: Device,
}

impl Evaluator {
    /// `values` are the flat weights; `ranges` those to which λ is clamped, none for no clamping.
    ///
    /// # Errors
    /// A network whose numbers make no sense, or another number of weights than it has.
    pub fn new(network: &NetworkConfig, values: &[f32], ranges: Option<LambdaRanges>, device: &Device) -> Result<Self> {
        let device = device.clone().inner();
        let (layout, system) = network.system()?;
        if values.len() != layout.len() {
            let (is, should) = (values.len(), layout.len());
            return Err(TrainError::Parameter(format!("there are {is} weights, the network has {should}")));
        }
        let weights = Weights::new(&layout, values, &device, |_| false);
        Ok(Self { network: network.resolved(), system, weights, ranges, device })
    }

    /// The network, with every number.
    #[must_use]
    pub fn network(&self) -> &NetworkConfig {
        &self.network
    }

    /// Estimated bits of an image and its mean squared error in 8-bit RGB.
    ///
    /// # Errors
    /// A tensor that cannot be read back.
    pub fn image(&self, image: &RgbImage, lambda: f32) -> Result<(f64, f64)> {
        let (coded, width) = self.coded(image, lambda);
        let bits = step::read(coded.bits)?.iter().map(|bits| f64::from(*bits)).sum();
        Ok((bits, squared_error(image, &step::read(coded.image)?, width)))
    }

    /// As [`Self::image`], with the image that `decoder` makes of the latents: that of a file which this system wrote, if
    /// `decoder` learned from it. Latents are handed over as they are; so a decoder whose entropy branch has changed, which could
    /// not even read the file, still gets them.
    ///
    /// # Errors
    /// A tensor that cannot be read back; latents of another system.
    pub fn read_by(&self, decoder: &Self, image: &RgbImage, lambda: f32) -> Result<(f64, f64)> {
        if self.network != decoder.network {
            return Err(TrainError::Config("the decoder has another network than the encoder".into()));
        }
        let (coded, width) = self.coded(image, lambda);
        let bits = step::read(coded.bits)?.iter().map(|bits| f64::from(*bits)).sum();
        let (w, ranges) = (&decoder.weights, decoder.ranges.as_ref());
        let seen = decoder.system.understand(w, coded.seen.latents, &[lambda], ranges);
        let decoded = decoder.system.reconstruct(w, seen, &[lambda], ranges)?;
        Ok((bits, squared_error(image, &step::read(decoded)?, width)))
    }

    /// An image as the codec would code it, and the width it was padded to.
    fn coded(&self, image: &RgbImage, lambda: f32) -> (Coded, usize) {
        let (pixels, height, width) = image.padded(64);
        let x = step::images(pixels, 1, height, width, &self.device);
        (self.system.code(&self.weights, x, &[lambda], self.ranges.as_ref(), Quantise::Round), width)
    }

    /// The averages over `images` at each λ.
    ///
    /// # Errors
    /// As [`Self::image`].
    pub fn points<'a>(
        &self,
        images: impl Fn() -> Box<dyn Iterator<Item = Result<std::borrow::Cow<'a, RgbImage>>> + 'a>,
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

    /// The averages over a folder's first `limit` images at each λ.
    ///
    /// # Errors
    /// An image or tensor that cannot be read.
    pub fn folder(&self, folder: &Folder, limit: usize, lambdas: &[f32]) -> Result<Vec<Point>> {
        let count = folder.len().min(limit);
        self.points(|| Box::new((0..count).map(|i| folder.image(i))), lambdas)
    }

    /// The averages over images in memory at each λ.
    ///
    /// # Errors
    /// A tensor that cannot be read back.
    pub fn images(&self, images: &[RgbImage], lambdas: &[f32]) -> Result<Vec<Point>> {
        self.points(|| Box::new(images.iter().map(|p| Ok(std::borrow::Cow::Borrowed(p)))), lambdas)
    }
}

/// Mean squared error in 8-bit RGB of pixels in [-1, 1], whose rows are `width` pixels long.
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

/// PSNR in dB of a mean squared error in 8-bit units; 100 for none.
#[must_use]
pub fn psnr(mse: f64) -> f64 {
    if mse > 0.0 { (10.0 * (255.0 * 255.0 / mse).log10()).min(100.0) } else { 100.0 }
}

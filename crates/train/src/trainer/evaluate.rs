//! Estimated rate and PSNR of whole pictures, as the codec would code them.

use burn::tensor::Device;
use heirloom_codec::model::{LambdaRanges, Spec};
use serde::Serialize;

use super::step;
use crate::{
    Result,
    data::{Folder, Picture, picture::to_byte},
    model::{Layout, Network, Weights},
};

/// Averages over pictures at one λ.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    pub lambda: f32,
    /// Estimated bits per pixel of the true size, mean over pictures.
    pub bpp: f64,
    /// Of 8-bit RGB in dB, mean over pictures.
    pub psnr: f64,
    /// bpp + λ · MSE, mean over pictures.
    pub loss: f64,
    pub pictures: usize,
}

/// A network with given weights, ready to run without gradients.
pub struct Evaluator {
    network: Network,
    weights: Weights,
    ranges: Option<LambdaRanges>,
    device: Device,
}

impl Evaluator {
    /// `values` are the flat weights; `ranges` those to which λ is clamped, none for no clamping.
    ///
    /// # Errors
    /// A layout that is not the spec's.
    pub fn new(
        spec: &Spec,
        layout: &Layout,
        values: &[f32],
        ranges: Option<LambdaRanges>,
        device: &Device,
    ) -> Result<Self> {
        let device = device.clone().inner();
        let weights = Weights::new(layout, values, &device, |_| false);
        Ok(Self { network: Network::new(spec, layout)?, weights, ranges, device })
    }

    /// Estimated bits of a picture and its mean squared error in 8-bit RGB.
    ///
    /// # Errors
    /// A tensor that cannot be read back.
    pub fn picture(&self, picture: &Picture, lambda: f32) -> Result<(f64, f64)> {
        let (pixels, height, width) = picture.padded(64);
        let embeddings = self.network.embed(&self.weights, &[lambda], self.ranges.as_ref(), &self.device);
        let size = (height, width);
        let (bits, out) = step::code(&self.network, &self.weights, pixels, size, &embeddings, &self.device)?;
        let mut sum = 0u64;
        for (y, row) in picture.rgb.chunks_exact(picture.width * 3).enumerate() {
            let decoded = &out[y * width * 3..][..picture.width * 3];
            for (a, b) in row.iter().zip(decoded) {
                let d = i32::from(*a) - i32::from(to_byte(*b));
                sum += (d * d) as u64;
            }
        }
        Ok((bits, sum as f64 / picture.rgb.len() as f64))
    }

    /// The averages over `pictures` at each λ.
    ///
    /// # Errors
    /// As [`Self::picture`].
    pub fn points<'a>(
        &self,
        pictures: impl Fn() -> Box<dyn Iterator<Item = Result<std::borrow::Cow<'a, Picture>>> + 'a>,
        lambdas: &[f32],
    ) -> Result<Vec<Point>> {
        let mut out = Vec::new();
        for &lambda in lambdas {
            let mut point = Point { lambda, bpp: 0.0, psnr: 0.0, loss: 0.0, pictures: 0 };
            for picture in pictures() {
                let picture = picture?;
                let (bits, mse) = self.picture(&picture, lambda)?;
                let bpp = bits / (picture.width * picture.height) as f64;
                point.bpp += bpp;
                point.psnr += psnr(mse);
                point.loss += bpp + f64::from(lambda) * mse / (127.5 * 127.5);
                point.pictures += 1;
            }
            let n = point.pictures.max(1) as f64;
            (point.bpp, point.psnr, point.loss) = (point.bpp / n, point.psnr / n, point.loss / n);
            out.push(point);
        }
        Ok(out)
    }

    /// The averages over a folder's first `limit` pictures at each λ.
    ///
    /// # Errors
    /// A picture or tensor that cannot be read.
    pub fn folder(&self, folder: &Folder, limit: usize, lambdas: &[f32]) -> Result<Vec<Point>> {
        let count = folder.len().min(limit);
        self.points(|| Box::new((0..count).map(|i| folder.picture(i))), lambdas)
    }

    /// The averages over pictures in memory at each λ.
    ///
    /// # Errors
    /// A tensor that cannot be read back.
    pub fn pictures(&self, pictures: &[Picture], lambdas: &[f32]) -> Result<Vec<Point>> {
        self.points(|| Box::new(pictures.iter().map(|p| Ok(std::borrow::Cow::Borrowed(p)))), lambdas)
    }
}

/// PSNR in dB of a mean squared error in 8-bit units; 100 for none.
#[must_use]
pub fn psnr(mse: f64) -> f64 {
    if mse > 0.0 { (10.0 * (255.0 * 255.0 / mse).log10()).min(100.0) } else { 100.0 }
}

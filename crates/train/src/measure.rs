//! Measuring systems without writing files: estimated rate and PSNR of each image, also of older
//! latents in a newer decoder.
//!
//! The JSON form is that of the reports of `heirloom-eval`, without what only files have: instead
//! of `bpp` there is `estimated_bpp`.

use std::path::Path;

use burn::tensor::Device;
use heirloom_store::StoredModel;
use serde::{Deserialize, Serialize};

use crate::{
    data::images::Images,
    error::{Result, TrainError},
    replay::{generation::Generation, learning_plan::LearningPlan},
    trainer::{
        checkpoint::{self, Checkpoint},
        evaluate::{Evaluator, psnr},
    },
};

/// Version of the JSON form. Readers should refuse versions that they do not know.
pub const SCHEMA: &str = "heirloom-train/1";

/// One image at one λ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// File name without its folder; for packs see [`Images::name`].
    pub image: String,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    pub lambda: f32,
    /// Bits per pixel of the image without padding, by the priors' probabilities.
    pub estimated_bpp: f64,
    /// PSNR of 8-bit RGB in dB; 100 for identical images.
    pub psnr: f64,
}

/// Means over all images at one λ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub lambda: f32,
    pub estimated_bpp: f64,
    pub psnr: f64,
}

/// A whole measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// Name and version of the program that measured.
    pub program: String,
    /// The system: `proposed`, `msh`, `msh-vr`, `gma` or `gma-vr`.
    pub system: String,
    /// Encoder: a run, checkpoint or model file.
    pub model: String,
    /// Decoder, if it differs from the encoder.
    pub decoder: Option<String>,
    /// Name of the data set.
    pub dataset: String,
    /// Number of images.
    pub images: usize,
    /// Means per λ, in the requested order.
    pub points: Vec<Summary>,
    /// Every image at every λ.
    pub records: Vec<ImageRecord>,
}

/// A system with the weights of a model file, or the averaged weights of a run or checkpoint.
pub struct TrainedSystem {
    /// Path that it was opened from.
    pub name: String,
    pub evaluator: Evaluator,
    /// Lowest and highest λ of its encoder.
    pub lambda: [f32; 2],
}

impl TrainedSystem {
    /// Opens a run's folder, a checkpoint, or a model file.
    ///
    /// # Errors
    /// A file that cannot be read, or is damaged.
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        let (network, values, ranges, lambda) = if path.extension().is_some_and(|e| e == "safetensors") {
            let generation = Generation::from(StoredModel::open(path)?.load()?);
            let ranges = generation.ranges();
            (generation.network(), generation.values()?, Some(ranges), ranges.encoder.into())
        } else {
            let Checkpoint { header, state } = Checkpoint::named(path)?;
            let ranges = match &header.config.learn {
                Some(_) => Some(LearningPlan::of_run(checkpoint::folder_of(path), &header.config)?.ranges),
                None => None,
            };
            let lambda = ranges.map_or(header.config.lambda, |ranges| ranges.encoder.into());
            (header.network(), state.ema, ranges, lambda)
        };
        let evaluator = Evaluator::new(&network, &values, ranges, device)?;
        Ok(Self { name: path.display().to_string(), evaluator, lambda })
    }

    /// Default values of λ to measure: seven over its range, evenly spaced on a logarithmic scale,
    /// or the single λ of its range.
    #[must_use]
    pub fn lambdas(&self) -> Vec<f32> {
        let [low, high] = self.lambda.map(f64::from);
        if low == high {
            return vec![self.lambda[0]];
        }
        (0..7).map(|i| (low * (high / low).powf(f64::from(i) / 6.0)) as f32).collect()
    }
}

/// Codes the first `limit` images with `encoder` at each λ. A `decoder`, if given, reconstructs
/// them from the encoder's latents, as from old files.
///
/// # Errors
/// An image or tensor that cannot be read; a decoder of another network.
pub fn measure(
    encoder: &TrainedSystem,
    decoder: Option<&TrainedSystem>,
    images: &Images,
    dataset: &str,
    limit: usize,
    lambdas: &[f32],
) -> Result<Report> {
    let (mut points, mut records) = (Vec::new(), Vec::new());
    let count = images.len().min(limit);
    for &lambda in lambdas {
        let first = records.len();
        for index in 0..count {
            let image = images.image(index)?;
            let (bits, mse) = match decoder {
                Some(decoder) => encoder.evaluator.image_decoded_by(&decoder.evaluator, &image, lambda)?,
                None => encoder.evaluator.image(&image, lambda)?,
            };
            let (width, height) = (image.width, image.height);
            let name = images.name(index);
            let estimated_bpp = bits / (width * height) as f64;
            records.push(ImageRecord { image: name, width, height, lambda, estimated_bpp, psnr: psnr(mse) });
        }
        let mean = |of: fn(&ImageRecord) -> f64| records[first..].iter().map(of).sum::<f64>() / count.max(1) as f64;
        points.push(Summary { lambda, estimated_bpp: mean(|r| r.estimated_bpp), psnr: mean(|r| r.psnr) });
    }
    Ok(Report {
        schema: SCHEMA.into(),
        program: concat!("heirloom-train ", env!("CARGO_PKG_VERSION")).into(),
        system: encoder.evaluator.network().name().into(),
        model: encoder.name.clone(),
        decoder: decoder.map(|decoder| decoder.name.clone()),
        dataset: dataset.into(),
        images: count,
        points,
        records,
    })
}

impl Report {
    /// Formats the report as indented JSON with a final newline.
    ///
    /// # Errors
    /// Numbers that JSON cannot hold.
    pub fn to_json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self).map_err(|e| TrainError::Data(format!("the report: {e}")))?;
        Ok(text + "\n")
    }
}

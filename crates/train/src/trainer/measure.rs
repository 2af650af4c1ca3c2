//! Measuring systems that write no files: estimated rate and PSNR of each image, and what a newer decoder makes of older latents.
//!
//! The JSON is that of the reports of `heirloom-eval`, without what only real files have: there is no `bpp`, only `estimated_bpp`.

use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{
    checkpoint::{self, Checkpoint},
    evaluate::{Evaluator, psnr},
};
use crate::{
    Result, TrainError,
    data::Folder,
    replay::{Generation, Lesson, models},
};

/// Version of the JSON form; a reader should refuse one that it does not know.
pub const SCHEMA: &str = "heirloom-train/1";

/// One image at one λ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// File name, without its folder.
    pub image: String,
    /// In pixels.
    pub width: usize,
    pub height: usize,
    pub lambda: f32,
    /// What the priors' probabilities promise, in bits per pixel of the true size. No file was written.
    pub estimated_bpp: f64,
    /// Of 8-bit RGB, in dB; 100 for identical images.
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
    /// What encoded: a run, checkpoint or model file.
    pub model: String,
    /// What decoded, where it is another.
    pub decoder: Option<String>,
    /// Name of the data set.
    pub dataset: String,
    /// Number of images.
    pub images: usize,
    /// Means per λ, in the order asked for.
    pub points: Vec<Summary>,
    /// Every image at every λ.
    pub records: Vec<ImageRecord>,
}

/// A system with the weights of a model file, or the averaged ones of a run or checkpoint.
pub struct Measured {
    /// What it was opened as.
    pub name: String,
    pub evaluator: Evaluator,
    /// λ that it knows.
    pub lambda: [f32; 2],
}

impl Measured {
    /// Opens a run's folder, one checkpoint, or a model file.
    ///
    /// # Errors
    /// What cannot be read, or is damaged.
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        let (network, values, ranges, lambda) = if path.extension().is_some_and(|e| e == "safetensors") {
            let generation = Generation::from(models::read(path)?);
            let ranges = generation.ranges();
            (generation.network(), generation.values()?, Some(ranges), ranges.encoder.into())
        } else {
            let Checkpoint { header, state } = Checkpoint::named(path)?;
            let ranges = match &header.config.learn {
                Some(_) => Some(Lesson::of_run(checkpoint::folder_of(path), &header.config)?.ranges),
                None => None,
            };
            let lambda = ranges.map_or(header.config.lambda, |ranges| ranges.encoder.into());
            (header.network(), state.ema, ranges, lambda)
        };
        let evaluator = Evaluator::new(&network, &values, ranges, device)?;
        Ok(Self { name: path.display().to_string(), evaluator, lambda })
    }

    /// λ to measure unless told otherwise: seven from end to end of what it knows, in even steps of their logarithm; the one that
    /// it knows, if it is one.
    #[must_use]
    pub fn lambdas(&self) -> Vec<f32> {
        let [low, high] = self.lambda.map(f64::from);
        if low == high {
            return vec![self.lambda[0]];
        }
        (0..7).map(|i| (low * (high / low).powf(f64::from(i) / 6.0)) as f32).collect()
    }
}

/// Codes a folder's first `limit` images with `encoder` at each λ; with a `decoder`, the images are what it makes of the
/// encoder's latents, as of old files.
///
/// # Errors
/// An image or tensor that cannot be read; a decoder of another network.
pub fn measure(
    encoder: &Measured,
    decoder: Option<&Measured>,
    folder: &Folder,
    dataset: &str,
    limit: usize,
    lambdas: &[f32],
) -> Result<Report> {
    let (mut points, mut records) = (Vec::new(), Vec::new());
    let images = folder.len().min(limit);
    for &lambda in lambdas {
        let first = records.len();
        for index in 0..images {
            let image = folder.image(index)?;
            let (bits, mse) = match decoder {
                Some(decoder) => encoder.evaluator.read_by(&decoder.evaluator, &image, lambda)?,
                None => encoder.evaluator.image(&image, lambda)?,
            };
            let (width, height) = (image.width, image.height);
            let name = folder.path(index).file_name().unwrap_or_default().to_string_lossy().into_owned();
            let estimated_bpp = bits / (width * height) as f64;
            records.push(ImageRecord { image: name, width, height, lambda, estimated_bpp, psnr: psnr(mse) });
        }
        let mean = |of: fn(&ImageRecord) -> f64| records[first..].iter().map(of).sum::<f64>() / images.max(1) as f64;
        points.push(Summary { lambda, estimated_bpp: mean(|r| r.estimated_bpp), psnr: mean(|r| r.psnr) });
    }
    Ok(Report {
        schema: SCHEMA.into(),
        program: concat!("heirloom-train ", env!("CARGO_PKG_VERSION")).into(),
        system: encoder.evaluator.network().name().into(),
        model: encoder.name.clone(),
        decoder: decoder.map(|decoder| decoder.name.clone()),
        dataset: dataset.into(),
        images,
        points,
        records,
    })
}

impl Report {
    /// As JSON, indented, with a newline at its end.
    ///
    /// # Errors
    /// Numbers that JSON cannot hold.
    pub fn to_json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self).map_err(|e| TrainError::Data(format!("the report: {e}")))?;
        Ok(text + "\n")
    }
}

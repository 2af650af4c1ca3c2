//! What a measurement leaves: rate and PSNR of each image at each λ.

use std::{fs, path::Path};

use heirloom_codec::{
    DecodeOptions, EncodeOptions, Model,
    image::{Image, PixelFormat},
};
use heirloom_eval::{Point, bits_per_pixel, psnr};
use serde::{Deserialize, Serialize};

use crate::{
    Result, TrainError,
    data::{Folder, RgbImage},
    trainer::measure::{self, Report},
};

/// PSNR that stands for that of identical images, as in the trainer's own measurements.
const IDENTICAL: f64 = 100.0;

/// Where a rate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rate {
    /// Every byte of files that were written and read back.
    Files,
    /// What probabilities promise. No file was written.
    Estimate,
}

/// One image at one λ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// File name, without its folder.
    pub image: String,
    pub lambda: f32,
    /// In bits per pixel.
    pub bpp: f64,
    /// Of 8-bit RGB, in dB.
    pub psnr: f64,
}

/// Means over all images at one λ.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    pub lambda: f32,
    pub bpp: f64,
    pub psnr: f64,
}

impl Mean {
    /// As a point of a curve.
    #[must_use]
    pub fn point(self) -> Point {
        Point { bpp: self.bpp, psnr: self.psnr }
    }
}

/// A whole measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub encoder: String,
    /// What decoded, where it is another.
    pub decoder: Option<String>,
    pub dataset: String,
    /// Number of images.
    pub images: usize,
    pub rate: Rate,
    /// Why the decoder refused the files, where it did. Then it was given the latents that the writer finds in them, which flatters
    /// it: it could not have read them.
    pub refused: Option<String>,
    pub means: Vec<Mean>,
    pub records: Vec<Record>,
}

impl From<Report> for Measured {
    /// The estimates of a system that writes no files.
    fn from(report: Report) -> Self {
        let record =
            |r: measure::ImageRecord| Record { image: r.image, lambda: r.lambda, bpp: r.estimated_bpp, psnr: r.psnr };
        let mean = |p: measure::Summary| Mean { lambda: p.lambda, bpp: p.estimated_bpp, psnr: p.psnr };
        Self {
            encoder: report.model,
            decoder: report.decoder,
            dataset: report.dataset,
            images: report.images,
            rate: Rate::Estimate,
            refused: None,
            means: report.points.into_iter().map(mean).collect(),
            records: report.records.into_iter().map(record).collect(),
        }
    }
}

/// Codes a folder's first `limit` images at each λ by way of real files, written to `scratch` and read back, and has `decoder`, or
/// the model itself, decode them by strict arithmetic.
///
/// # Errors
/// Images or files that cannot be read or written, λ outside of the model's range.
pub fn by_files(
    encoder: &Model,
    decoder: Option<&Model>,
    folder: &Folder,
    limit: usize,
    lambdas: &[f32],
    scratch: &Path,
) -> Result<Measured> {
    let (mut means, mut records, mut refused) = (Vec::new(), Vec::new(), None);
    let images = folder.len().min(limit);
    for &lambda in lambdas {
        let first = records.len();
        for index in 0..images {
            let image = folder.image(index)?;
            let bytes = write(encoder, &image, lambda, scratch)?;
            let (decoded, refusal) = read(encoder, decoder, &bytes)?;
            refused = refused.or(refusal);
            let name = folder.path(index).file_name().unwrap_or_default().to_string_lossy().into_owned();
            let told = |e: heirloom_eval::EvalError| TrainError::Model(e.to_string());
            let psnr = psnr(&image.rgb, decoded.data()).map_err(told)?.min(IDENTICAL);
            let bpp = bits_per_pixel(bytes.len() as u64, decoded.width(), decoded.height());
            records.push(Record { image: name, lambda, bpp, psnr });
        }
        let mean = |of: fn(&Record) -> f64| records[first..].iter().map(of).sum::<f64>() / images.max(1) as f64;
        means.push(Mean { lambda, bpp: mean(|r| r.bpp), psnr: mean(|r| r.psnr) });
    }
    Ok(Measured {
        encoder: String::new(),
        decoder: None,
        dataset: String::new(),
        images,
        rate: Rate::Files,
        refused,
        means,
        records,
    })
}

/// Writes a file and reads it back.
fn write(model: &Model, image: &RgbImage, lambda: f32, scratch: &Path) -> Result<Vec<u8>> {
    let side = |length: usize| u32::try_from(length).map_err(|_| TrainError::Data("an image is too large".into()));
    let (width, height) = (side(image.width)?, side(image.height)?);
    let image =
        Image::new(width, height, PixelFormat::Rgb8, image.rgb.clone()).map_err(|e| TrainError::Data(e.to_string()))?;
    let coded =
        model.encode(&image, &EncodeOptions::new(lambda)).map_err(|e| TrainError::Model(format!("encoding: {e}")))?;
    fs::write(scratch, coded).map_err(TrainError::io("write", scratch))?;
    let bytes = fs::read(scratch).map_err(TrainError::io("read", scratch))?;
    fs::remove_file(scratch).map_err(TrainError::io("remove", scratch))?;
    Ok(bytes)
}

/// The image of a file, and why `decoder` refused the file, if it did: then that of the latents that the writer finds.
fn read(writer: &Model, decoder: Option<&Model>, bytes: &[u8]) -> Result<(Image, Option<String>)> {
    let options = DecodeOptions::exact();
    let failed = |e: heirloom_codec::DecodeError| TrainError::Model(format!("decoding: {e}"));
    let refusal = match decoder.unwrap_or(writer).decode(bytes, &options) {
        Ok(image) => return Ok((image, None)),
        Err(refusal) => refusal,
    };
    let Some(decoder) = decoder else { return Err(failed(refusal)) };
    let mut latents = writer.decode_latents(bytes, &options).map_err(failed)?;
    latents.header.entropy_id.copy_from_slice(&decoder.metadata().lineage.entropy_id.0[..8]);
    Ok((decoder.reconstruct(&latents, &options).map_err(failed)?, Some(refusal.to_string())))
}

//! Results of a measurement: rate and PSNR of each image at each λ; and measuring with real files.

use std::path::Path;

use heirloom_codec::{
    DecodeOptions, EncodeOptions, Model,
    image::{Image, PixelFormat},
};
use heirloom_eval::{Point, RealFile};
use serde::{Deserialize, Serialize};

use heirloom_train::{
    data::{image::RgbImage, images::Images},
    error::{Result, TrainError},
    measure::{self, Report},
};

/// PSNR in dB that stands for that of identical images, as in the trainer's own measurements.
const IDENTICAL: f64 = 100.0;

/// Method by which a rate was determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateKind {
    /// From the sizes of files that were written and read back.
    Files,
    /// Estimated from probabilities, without files.
    Estimate,
}

impl RateKind {
    /// Name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Estimate => "estimate",
        }
    }
}

/// One image at one λ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// File name, without its folder.
    pub image: String,
    pub lambda: f32,
    /// Bits per pixel.
    pub bpp: f64,
    /// PSNR of 8-bit RGB in dB.
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
    /// The mean as a point of a curve.
    #[must_use]
    pub fn point(self) -> Point {
        Point { bpp: self.bpp, psnr: self.psnr }
    }
}

/// A whole measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Name of the model that encoded.
    pub encoder: String,
    /// Name of the model that decoded, if it is another.
    pub decoder: Option<String>,
    /// Name of the data set.
    pub dataset: String,
    /// Number of images.
    pub images: usize,
    pub rate: RateKind,
    /// Why the decoder refused the files, if it did. It was then given the latents that the writer
    /// decodes, which flatters it.
    pub refused: Option<String>,
    pub means: Vec<Mean>,
    pub records: Vec<Record>,
}

impl From<Report> for Measured {
    /// Takes over the estimates of a system that writes no files.
    fn from(report: Report) -> Self {
        let record =
            |r: measure::ImageRecord| Record { image: r.image, lambda: r.lambda, bpp: r.estimated_bpp, psnr: r.psnr };
        let mean = |p: measure::Summary| Mean { lambda: p.lambda, bpp: p.estimated_bpp, psnr: p.psnr };
        Self {
            encoder: report.model,
            decoder: report.decoder,
            dataset: report.dataset,
            images: report.images,
            rate: RateKind::Estimate,
            refused: None,
            means: report.points.into_iter().map(mean).collect(),
            records: report.records.into_iter().map(record).collect(),
        }
    }
}

/// Codes the first `limit` images at each λ into real files, which are written to `scratch` and
/// read back, and has `decoder`, or the encoder's own model, decode them with strict arithmetic.
///
/// # Errors
/// Images or files that cannot be read or written; λ outside the model's range.
pub fn measure_files(
    encoder: &Model,
    decoder: Option<&Model>,
    images: &Images,
    limit: usize,
    lambdas: &[f32],
    scratch: &Path,
) -> Result<Measured> {
    let (mut means, mut records, mut refused) = (Vec::new(), Vec::new(), None);
    let count = images.len().min(limit);
    for &lambda in lambdas {
        let first = records.len();
        for index in 0..count {
            let image = codec_image(&*images.image(index)?)?;
            let encode = |image: &Image| {
                encoder
                    .encode(image, &EncodeOptions::new(lambda).with_lossless(heirloom_codec::Lossless::Never))
                    .map_err(coding("encoding"))
            };
            let file = RealFile::write(&image, scratch, encode)?;
            let (decoded, refusal) = decode(encoder, decoder, file.bytes())?;
            refused = refused.or(refusal);
            let psnr = file.psnr(&decoded)?.min(IDENTICAL);
            records.push(Record { image: images.name(index), lambda, bpp: file.bpp(), psnr });
        }
        let mean = |of: fn(&Record) -> f64| records[first..].iter().map(of).sum::<f64>() / count.max(1) as f64;
        means.push(Mean { lambda, bpp: mean(|r| r.bpp), psnr: mean(|r| r.psnr) });
    }
    Ok(Measured {
        encoder: String::new(),
        decoder: None,
        dataset: String::new(),
        images: count,
        rate: RateKind::Files,
        refused,
        means,
        records,
    })
}

fn codec_image(image: &RgbImage) -> Result<Image> {
    let side = |length: usize| u32::try_from(length).map_err(|_| TrainError::Data("an image is too large".into()));
    Image::new(side(image.width)?, side(image.height)?, PixelFormat::Rgb8, image.rgb.clone())
        .map_err(|e| TrainError::Data(e.to_string()))
}

/// Makes an error of the codec the trainer's.
fn coding<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> TrainError {
    move |e| TrainError::Model(format!("{what}: {e}"))
}

/// Decodes a file. If `decoder` refuses it, returns the image that it makes of the writer's
/// latents, and the reason for the refusal.
fn decode(writer: &Model, decoder: Option<&Model>, bytes: &[u8]) -> Result<(Image, Option<String>)> {
    let options = DecodeOptions::exact();
    let refusal = match decoder.unwrap_or(writer).decode(bytes, &options) {
        Ok(image) => return Ok((image, None)),
        Err(refusal) => refusal,
    };
    let Some(decoder) = decoder else { return Err(coding("decoding")(refusal)) };
    let mut latents = writer.decode_latents(bytes, &options).map_err(coding("decoding"))?;
    latents.header.entropy_id.copy_from_slice(&decoder.metadata().lineage.entropy_id.0[..8]);
    Ok((decoder.reconstruct(&latents, &options).map_err(coding("decoding"))?, Some(refusal.to_string())))
}

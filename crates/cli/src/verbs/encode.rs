//! `heirloom encode`

use std::path::PathBuf;
use std::process::ExitCode;

use heirloom_codec::Model;

use crate::batch;
use crate::coding;
use crate::failure::Failure;
use crate::jobs::{Job, plan};
use crate::models::{ModelFlags, Models};

/// Encode images into .hlm files
///
/// Reads PNG, JPEG, WebP, TIFF and PNM files with 8-bit RGB or grey pixels. ICC profile, Exif and XMP are carried
/// verbatim; Exif orientation stays metadata, the pixels are not turned. Alpha, 16-bit samples, CMYK and animations
/// are refused: nothing is changed silently.
#[derive(clap::Args)]
pub struct Encode {
    /// Images; `-` is standard input
    #[arg(required = true, value_name = "IN")]
    inputs: Vec<PathBuf>,

    /// File or folder to write to; `-` is standard output [default: the input's name with .hlm, beside it]
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,

    /// Quality from 0 (smallest file) to 100 (best image) [default: 50]
    ///
    /// Spreads the model's range of λ evenly on a logarithmic scale: λ = low · (high / low)^(Q / 100). With the range
    /// 32 to 1024 the qualities 0, 20, 40, 60, 80 and 100 are λ = 32, 64, 128, 256, 512 and 1024.
    #[arg(short, long, value_name = "Q", value_parser = quality, conflicts_with = "lambda")]
    quality: Option<f32>,

    /// Rate-distortion multiplier λ: the file minimises bits per pixel + λ · mean squared error of samples in -1..1
    #[arg(long, value_name = "L")]
    lambda: Option<f32>,

    #[command(flatten)]
    models: ModelFlags,

    /// Replace existing files
    #[arg(short, long)]
    force: bool,

    #[command(flatten)]
    memory: coding::Memory,
}

/// The quality of a caller who gives none.
pub const DEFAULT_QUALITY: f32 = 50.0;

pub fn quality(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(q) if (0.0..=100.0).contains(&q) => Ok(q),
        _ => Err("a quality is a number from 0 to 100".into()),
    }
}

impl Encode {
    pub fn run(&self, threads: usize, quiet: bool) -> Result<ExitCode, Failure> {
        let jobs = plan(&self.inputs, self.output.as_deref(), "hlm")?;
        let models = Models::load(&self.models)?;
        let lambda = match self.lambda {
            Some(lambda) => models.check_lambda(lambda)?,
            None => models.quality_to_lambda(self.quality.unwrap_or(DEFAULT_QUALITY))?,
        };
        let model = models.writer()?;
        Ok(batch::run(&jobs, threads, quiet, |job| self.one(job, model, lambda)))
    }

    fn one(&self, Job { input, output }: &Job, model: &Model, lambda: f32) -> Result<String, Failure> {
        output.check_writable(self.force)?;
        let image = input.read_image()?;
        let coded = coding::encode(model, &image, lambda, self.memory).map_err(|e| e.about(input))?;
        output.write(&coded, self.force)?;
        let bpp = heirloom_eval::bits_per_pixel(coded.len() as u64, image.width(), image.height());
        Ok(format!("{input} -> {output}: {} bytes, {bpp:.3} bits per pixel", coded.len()))
    }
}

//! `heirloom encode`

use std::path::PathBuf;

use heirloom_codec::Model;
use heirloom_eval::bits_per_pixel;
use heirloom_io::ReadImage;

use crate::batch;
use crate::coding::{EncodeFlags, Encoded};
use crate::failure::{ExitCode, Failure};
use crate::image_flags::ReadFlags;
use crate::jobs::{Job, plan};
use crate::models::{ModelFlags, RateFlags};

/// Encode images into .hlm files
///
/// Reads PNG, JPEG, WebP, TIFF, GIF, BMP, QOI, TGA, PNM and JPEG XL images, whatever the names of
/// their files: grey or RGB, with or without alpha, of up to 16 bits. CMYK becomes sRGB. ICC
/// profile, Exif and XMP are kept unchanged, an Exif orientation too; the pixels are not rotated.
/// What is not kept, such as further frames or comments, is said in a warning.
#[derive(clap::Args)]
pub struct Encode {
    /// Images to encode; '-' is standard input
    #[arg(required = true, value_name = "IN")]
    inputs: Vec<PathBuf>,

    /// File or folder to write to; '-' is standard output [default: beside the input, with the
    /// extension .hlm]
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,

    #[command(flatten)]
    rate: RateFlags,

    #[command(flatten)]
    models: ModelFlags,

    #[command(flatten)]
    reading: ReadFlags,

    /// Replace existing files; an input is never overwritten
    #[arg(short, long)]
    force: bool,

    #[command(flatten)]
    coding: EncodeFlags,
}

impl Encode {
    pub fn run(&self, threads: usize, quiet: bool) -> Result<ExitCode, Failure> {
        let jobs = plan(&self.inputs, self.output.as_deref(), "hlm")?;
        let models = self.models.load()?;
        let lambda = self.rate.lambda(models.writer().metadata().lambda.encoder)?;
        let model = models.writer().model()?;
        Ok(batch::run(&jobs, threads, quiet, |job| job.input.to_string(), |job| self.encode(job, model, lambda)))
    }

    fn encode(&self, Job { input, output }: &Job, model: &Model, lambda: f32) -> Result<String, Failure> {
        output.check_writable(self.force)?;
        let ReadImage { image, notes } = input.read_image_noting(&self.reading.options(None))?;
        notes.iter().for_each(|note| batch::warn(input, note));
        let Encoded { bytes, note } = self.coding.encode(model, &image, lambda).map_err(|e| e.about(input))?;
        output.write(&bytes, self.force)?;
        let bpp = bits_per_pixel(bytes.len() as u64, image.width(), image.height());
        let note = note.map_or_else(String::new, |note| format!(" ({note})"));
        Ok(format!("{input} -> {output}: {} bytes, {bpp:.3} bits per pixel{note}", bytes.len()))
    }
}

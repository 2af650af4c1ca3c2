//! `heirloom compare`

use std::path::PathBuf;
use std::process::ExitCode;

use heirloom_codec::Image;
use heirloom_eval::{bits_per_pixel, psnr};
use heirloom_io::{Format, write};

use crate::coding::{self, Memory, Way};
use crate::failure::Failure;
use crate::location::Location;
use crate::models::{ModelFlags, Models, Wish};
use crate::verbs::encode::{DEFAULT_QUALITY, quality};

mod canvas;
mod jpeg;

use canvas::{Caption, Region};

/// Draw an image beside its decoded self and a JPEG of the same size
///
/// The JPEG is the best of both common chroma samplings, progressive with optimised tables, at the highest quality
/// that does not need more bytes than the Heirloom file.
#[derive(clap::Args)]
pub struct Compare {
    /// Image to compare on
    #[arg(value_name = "IMAGE")]
    image: PathBuf,

    /// PNG file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Quality of the Heirloom file, 0 to 100 [default: 50]
    #[arg(short, long, value_name = "Q", value_parser = quality, conflicts_with = "lambda")]
    quality: Option<f32>,

    /// Rate-distortion multiplier λ of the Heirloom file
    #[arg(long, value_name = "L")]
    lambda: Option<f32>,

    /// Part of the image to show; sizes and PSNR are of the whole image
    #[arg(long, value_name = "X,Y,WIDTH,HEIGHT", value_parser = canvas::region)]
    crop: Option<Region>,

    /// Show every pixel as a square of this many pixels
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    zoom: u32,

    #[command(flatten)]
    models: ModelFlags,

    /// Replace an existing file
    #[arg(short, long)]
    force: bool,
}

impl Compare {
    pub fn run(&self, quiet: bool) -> Result<ExitCode, Failure> {
        let (input, output) = (Location::new(&self.image), Location::new(&self.output));
        output.check_writable(self.force)?;
        let original = input.read_image()?;
        let region = Region::inside(self.crop, &original)?;
        let models = Models::load(&self.models)?;
        let lambda = match self.lambda {
            Some(lambda) => models.check_lambda(lambda)?,
            None => models.quality_to_lambda(self.quality.unwrap_or(DEFAULT_QUALITY))?,
        };
        let coded =
            coding::encode(models.writer()?, &original, lambda, Memory::default()).map_err(|e| e.about(&input))?;
        let way = Way { generation: Some(Wish::Writer), ..Way::default() };
        let decoded = coding::decode(&models, &coded, &way).map_err(|e| e.about(&input))?.image;
        let jpeg = jpeg::at_most(&original, coded.len()).map_err(|e| e.about(&input))?;

        let (width, height) = (original.width(), original.height());
        let captions = [
            Caption { name: "Original".into(), size: format!("{width} x {height} pixels"), quality: String::new() },
            caption("Heirloom", &original, &decoded, coded.len())?,
            caption(&format!("JPEG (quality {})", jpeg.quality), &original, &jpeg.image, jpeg.bytes)?,
        ];
        let panels = [&original, &decoded, &jpeg.image];
        let sheet = canvas::side_by_side(panels, &captions, region, self.zoom)?;
        output.write(&write(&sheet, Format::Png)?.bytes, self.force)?;
        if !quiet {
            for caption in &captions[1..] {
                eprintln!("{}: {}, {}", caption.name, caption.size, caption.quality);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn caption(name: &str, original: &Image, shown: &Image, bytes: usize) -> Result<Caption, Failure> {
    let bpp = bits_per_pixel(bytes as u64, original.width(), original.height());
    let psnr = psnr(&original.to_rgb(), &shown.to_rgb()).map_err(|e| Failure::failed(e.to_string()))?;
    Ok(Caption {
        name: name.into(),
        size: format!("{bytes} bytes, {bpp:.3} bpp"),
        quality: format!("PSNR {psnr:.2} dB"),
    })
}

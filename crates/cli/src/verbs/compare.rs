//! `heirloom compare`

use std::path::PathBuf;

use heirloom_codec::Image;
use heirloom_eval::{bits_per_pixel, psnr};
use heirloom_io::{Format, write};
use heirloom_store::GenerationSelector;

use crate::coding::{self, DecodeRequest};
use crate::failure::{ExitCode, Failure};
use crate::jobs::{Job, refuse_overwriting};
use crate::location::Location;
use crate::models::{ModelFlags, RateFlags};

mod canvas;
mod jpeg;

use canvas::{Caption, Region};

/// Draw an image beside its Heirloom version and a JPEG of the same size
///
/// Writes a PNG image of three panels. The JPEG has the highest quality that does not need more
/// bytes than the Heirloom file, progressive, with optimised tables, and with the better of 4:2:0
/// and 4:4:4 chroma sampling.
#[derive(clap::Args)]
pub struct Compare {
    /// Image to encode; '-' is standard input
    #[arg(value_name = "IMAGE")]
    image: PathBuf,

    /// PNG file to write; '-' is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    #[command(flatten)]
    rate: RateFlags,

    /// Part of the image to show; sizes and PSNR are those of the whole image
    #[arg(long, value_name = "X,Y,WIDTH,HEIGHT", value_parser = canvas::region)]
    crop: Option<Region>,

    /// Show every pixel as a square of N × N pixels
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
        refuse_overwriting(&[Job { input: input.clone(), output: output.clone() }])?;
        output.check_writable(self.force)?;
        let original = input.read_image()?;
        let region = Region::inside(self.crop, &original)?;
        let models = self.models.load()?;
        let lambda = self.rate.lambda(models.writer().metadata().lambda.encoder)?;
        let coded = coding::encode(models.writer().model()?, &original, lambda).map_err(|e| e.about(&input))?;
        let request = DecodeRequest { generation: Some(GenerationSelector::Writer), ..DecodeRequest::default() };
        let decoded = coding::decode(&models, &coded, &request).map_err(|e| e.about(&input))?.image;
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
    let psnr = psnr(&original.to_rgb(), &shown.to_rgb())?;
    Ok(Caption {
        name: name.into(),
        size: format!("{bytes} bytes, {bpp:.3} bpp"),
        quality: format!("PSNR {psnr:.2} dB"),
    })
}

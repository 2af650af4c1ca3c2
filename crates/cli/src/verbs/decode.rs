//! `heirloom decode`

use std::path::PathBuf;
use std::process::ExitCode;

use heirloom_io::Written;

use crate::batch;
use crate::coding::{self, Decoded, Way};
use crate::failure::Failure;
use crate::jobs::{Job, plan};
use crate::location::Location;
use crate::models::{ModelFlags, Models, Wish};
use crate::output_format::OutputFormat;

/// Decode .hlm files into PNG, PPM or JPEG images
///
/// A file is decoded by the newest model here of its lineage: the one in this program, or one of the model store. The
/// format follows the output's extension. ICC profile, Exif and XMP are written back into PNG and JPEG.
#[derive(clap::Args)]
pub struct Decode {
    /// Files to decode; `-` is standard input
    #[arg(required = true, value_name = "IN")]
    inputs: Vec<PathBuf>,

    /// File or folder to write to; `-` is standard output [default: the input's name with .png, beside it]
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,

    /// Format to write [default: by the output's extension, else png]
    #[arg(long, value_enum)]
    format: Option<OutputFormat>,

    /// Quality of JPEG output, 1 to 100
    #[arg(long, value_name = "Q", default_value_t = 95, value_parser = clap::value_parser!(u8).range(1..=100))]
    jpeg_quality: u8,

    /// Decode with strict arithmetic: the same pixels on every machine, a little slower
    ///
    /// By the generation that wrote the file, since only that one gives its exact pixels; refused when it is not here.
    #[arg(long)]
    exact: bool,

    /// Decode what can be decoded of a file that is damaged or cut short: an image with less detail
    #[arg(long)]
    partial: bool,

    #[command(flatten)]
    models: ModelFlags,

    /// Generation to decode with: its number, its id (8 or more digits), 'writer' for the one that wrote the file, or 'newest'
    /// [default: the model of --model, if it is of the file's lineage, else newest; with --exact writer]
    #[arg(long, value_name = "ID|N|writer|newest")]
    generation: Option<Wish>,

    /// Replace existing files
    #[arg(short, long)]
    force: bool,

    #[command(flatten)]
    memory: coding::Memory,
}

impl Decode {
    pub fn run(&self, threads: usize, quiet: bool) -> Result<ExitCode, Failure> {
        let jobs = plan(&self.inputs, self.output.as_deref(), self.format.unwrap_or(OutputFormat::Png).extension())?;
        let jobs =
            jobs.into_iter().map(|job| Ok((self.format_of(&job.output)?, job))).collect::<Result<Vec<_>, Failure>>()?;
        let models = Models::load(&self.models)?;
        Ok(batch::run(&jobs, threads, quiet, |(format, job)| self.one(job, *format, &models)))
    }

    fn format_of(&self, output: &Location) -> Result<OutputFormat, Failure> {
        match (self.format, output) {
            (Some(format), _) => Ok(format),
            (None, Location::File(path)) if path.extension().is_some() => OutputFormat::from_path(path),
            (None, _) => Ok(OutputFormat::Png),
        }
    }

    fn one(&self, Job { input, output }: &Job, format: OutputFormat, models: &Models) -> Result<String, Failure> {
        output.check_writable(self.force)?;
        let generation = self.generation.clone();
        let way = Way { memory: self.memory, exact: self.exact, partial: self.partial, generation };
        let Decoded { image, note } = coding::decode(models, &input.read()?, &way).map_err(|e| e.about(input))?;
        let Written { bytes, lost } =
            format.write(&image, self.jpeg_quality).map_err(|e| Failure::from(e).about(input))?;
        output.write(&bytes, self.force)?;
        let mut line = format!("{input} -> {output}: {} × {}", image.width(), image.height());
        for note in [note, lost].into_iter().flatten() {
            line += &format!(" ({note})");
        }
        Ok(line)
    }
}

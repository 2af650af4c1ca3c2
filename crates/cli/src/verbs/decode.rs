//! `heirloom decode`

use std::path::{Path, PathBuf};

use heirloom_codec::Scale;
use heirloom_format::container::Rect;
use heirloom_io::RowWriter;
use heirloom_store::{GenerationSelector, ModelSet};

use crate::batch;
use crate::coding::{self, DecodeRequest, Decoded, MemoryLimit, parse_crop, parse_scale};
use crate::failure::{ExitCode, Failure};
use crate::jobs::{Job, plan};
use crate::location::Location;
use crate::models::ModelFlags;
use crate::output_format::{OutputFormat, WriteFlags};
use crate::tree::{Done, TreeFlags};

/// Decode .hlm files into PNG, JPEG, WebP, TIFF, PPM or QOI images
///
/// A file is decoded by a model of its lineage: by default the newest one here, be it the default
/// model or one of the model store. ICC profile, Exif and XMP are written where the format has a place for them.
#[derive(clap::Args)]
pub struct Decode {
    /// Files to decode; '-' is standard input
    #[arg(required = true, value_name = "IN")]
    inputs: Vec<PathBuf>,

    /// File or folder to write to; '-' is standard output [default: beside the input, with the
    /// extension of the format]
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,

    /// Format to write [default: the one of the output's extension, else png]
    #[arg(long, value_enum)]
    format: Option<OutputFormat>,

    #[command(flatten)]
    writing: WriteFlags,

    /// Decode to the exact pixels that the file had when it was written
    ///
    /// Only the generation that wrote a file gives them, so that one decodes; the file is refused
    /// if that generation is not here.
    #[arg(long)]
    exact: bool,

    /// Decode what is left of a file that is damaged or cut short, into an image with less detail
    #[arg(long)]
    partial: bool,

    /// Decode only this part of the image, in pixels; only its tiles are decoded
    #[arg(long, value_name = "X,Y,W,H", value_parser = parse_crop)]
    crop: Option<Rect>,

    /// Decode a smaller copy: 1/2, 1/4, 1/8 or 1/16 of width and height, after --crop
    #[arg(long, value_name = "1/N", value_parser = parse_scale, default_value = "1")]
    scale: Scale,

    /// With --scale 1/8 or 1/16: a blurred image of the latents z1 to z3 alone, in a fraction of the time
    #[arg(long)]
    quick: bool,

    #[command(flatten)]
    models: ModelFlags,

    /// Generation that decodes: its number, 8 or more digits of its id, 'writer' (the one that
    /// wrote the file) or 'newest' [default: the model of --model if it is of the file's lineage,
    /// else newest; writer with --exact]
    #[arg(long, value_name = "N|ID|writer|newest")]
    generation: Option<GenerationSelector>,

    /// Replace existing files; an input is never overwritten
    #[arg(short, long)]
    force: bool,

    #[command(flatten)]
    memory: MemoryLimit,

    #[command(flatten)]
    tree: TreeFlags,
}

impl Decode {
    pub fn run(&self, threads: usize, quiet: bool) -> Result<ExitCode, Failure> {
        if self.quick && self.scale < Scale::Eighth {
            return Err(Failure::usage("--quick makes small images only: add --scale 1/8 or --scale 1/16"));
        }
        let (output, extension) = (self.output.as_deref(), self.format.unwrap_or(OutputFormat::Png).extension());
        let is_heirloom = |path: &Path| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("hlm"));
        let jobs = match self.tree.jobs(&self.inputs, output, extension, is_heirloom)? {
            Some(jobs) => jobs,
            None => plan(&self.inputs, output, extension)?,
        };
        let jobs =
            jobs.into_iter().map(|job| Ok((self.format_of(&job.output)?, job))).collect::<Result<Vec<_>, Failure>>()?;
        let models = self.models.load()?;
        let request = DecodeRequest {
            memory: self.memory,
            exact: self.exact,
            partial: self.partial,
            crop: self.crop,
            scale: self.scale,
            quick: self.quick,
            generation: self.generation.clone(),
        };
        let name = |(_, job): &(OutputFormat, Job)| job.input.to_string();
        let settings = format!("decode {extension} {request:?} {:?}", self.writing);
        let tree = self.tree.start(output, &settings)?;
        let work = |(format, job): &(OutputFormat, Job)| {
            let force = self.force || tree.may_replace(&job.output);
            tree.run(job, || self.decode(job, *format, &models, &request, force))
        };
        let status = batch::run(&jobs, threads, quiet, name, work);
        tree.summary().filter(|_| !quiet).iter().for_each(|line| eprintln!("{line}"));
        Ok(status)
    }

    fn format_of(&self, output: &Location) -> Result<OutputFormat, Failure> {
        match (self.format, output) {
            (Some(format), _) => Ok(format),
            (None, Location::File(path)) if path.extension().is_some() => OutputFormat::from_path(path),
            (None, _) => Ok(OutputFormat::Png),
        }
    }

    fn decode(
        &self,
        Job { input, output }: &Job,
        format: OutputFormat,
        models: &ModelSet,
        request: &DecodeRequest,
        force: bool,
    ) -> Result<Done, Failure> {
        output.check_writable(force)?;
        let source = coding::open(input)?;
        let decoding = coding::decoding(models, &*source, request).map_err(|e| e.about(input))?;
        let (width, height) = decoding.size;
        let (note, lost, bytes) = if decoding.is_large()
            && self.writing.keeps_rows(format)
            && let Some(mut rows) = RowWriter::new(output.create(force)?, format.format())
        {
            let note = decoding.decode_rows(&mut rows).map_err(|e| e.about(input))?;
            let finished = rows.finish().map_err(|e| Failure::failed(format!("cannot be written: {e}")).about(output));
            let (file, lost) = finished?;
            file.commit()?;
            (note, lost, output.size())
        } else {
            let Decoded { image, note } = decoding.decode().map_err(|e| e.about(input))?;
            let written = self.writing.write(image, format).map_err(|e| Failure::from(e).about(input))?;
            output.write(&written.bytes, force)?;
            (note, written.lost, written.bytes.len() as u64)
        };
        lost.iter().for_each(|lost| batch::warn(output, lost));
        let note = note.map_or_else(String::new, |note| format!(" ({note})"));
        let line = format!("{input} -> {output}: {width} × {height}{note}");
        Ok(Done { line, bytes: [input.size(), bytes] })
    }
}

//! `heirloom encode`

use std::path::{Path, PathBuf};

use heirloom_codec::{Model, RowSource};
use heirloom_eval::bits_per_pixel;
use heirloom_io::{EXTENSIONS, ReadImage, RowReader};

use crate::batch;
use crate::coding::{EncodeFlags, Encoded};
use crate::failure::{ExitCode, Failure};
use crate::image_flags::ReadFlags;
use crate::jobs::{Job, plan};
use crate::location::Location;
use crate::models::{ModelFlags, RateFlags};
use crate::search_bar;
use crate::tree::{Done, TreeFlags};

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

    #[command(flatten)]
    tree: TreeFlags,
}

impl Encode {
    pub fn run(&self, threads: usize, quiet: bool) -> Result<ExitCode, Failure> {
        let output = self.output.as_deref();
        let jobs = match self.tree.jobs(&self.inputs, output, "hlm", is_image)? {
            Some(jobs) => jobs,
            None => plan(&self.inputs, output, "hlm")?,
        };
        let models = self.models.load()?;
        let lambda = self.rate.lambda(models.writer().metadata().lambda.encoder)?;
        let model = models.writer().model()?;
        let generation = model.metadata().lineage.generation_id;
        let settings = format!("encode {generation} {lambda} {:?} {:?}", self.coding, self.reading);
        let tree = self.tree.start(output, &settings)?;
        // Of several files, a bar shows how many are done.
        let watched = jobs.len() == 1 && !quiet && self.coding.searches();
        let work = |job: &Job| {
            let force = self.force || tree.may_replace(&job.output);
            tree.run(job, || self.encode(job, model, (lambda, watched), force))
        };
        let status = batch::run(&jobs, threads, quiet, |job| job.input.to_string(), work);
        tree.summary().filter(|_| !quiet).iter().for_each(|line| eprintln!("{line}"));
        Ok(status)
    }

    /// Encodes an image, watched on a terminal or not.
    fn encode(
        &self,
        Job { input, output }: &Job,
        model: &Model,
        (lambda, watched): (f32, bool),
        force: bool,
    ) -> Result<Done, Failure> {
        output.check_writable(force)?;
        let reading = self.reading.options(Some(self.coding.max_memory()));
        if let (Location::File(path), Some(least)) = (input, self.coding.streamed_from())
            && let Some(rows) = RowReader::open(path, &reading, least).map_err(|e| Failure::from(e).about(input))?
        {
            return self.encode_rows((input, output), rows, model, (lambda, watched), force);
        }
        let ReadImage { image, notes } = input.read_image_noting(&reading)?;
        notes.iter().for_each(|note| batch::warn(input, note));
        let progress = if watched { search_bar::begin(image.width(), image.height()) } else { None };
        let encoded = self.coding.encode(model, &image, lambda, progress);
        search_bar::end();
        let Encoded { bytes, note } = encoded.map_err(|e| e.about(input))?;
        output.write(&bytes, force)?;
        Ok(done((input, output), bytes.len() as u64, (image.width(), image.height()), note))
    }

    /// Encodes a large image without having all of it in memory.
    fn encode_rows(
        &self,
        (input, output): (&Location, &Location),
        mut rows: RowReader,
        model: &Model,
        (lambda, watched): (f32, bool),
        force: bool,
    ) -> Result<Done, Failure> {
        rows.notes.iter().for_each(|note| batch::warn(input, note));
        let mut spool = output.spool()?;
        let mut file = output.create(force)?;
        let (width, height) = rows.size();
        let progress = if watched { search_bar::begin(width, height) } else { None };
        let encoded = self.coding.encode_rows(model, &mut rows, (lambda, progress), &mut spool, &mut file);
        search_bar::end();
        let (bytes, note) = encoded.map_err(|e| e.about(input))?;
        file.commit()?;
        Ok(done((input, output), bytes, rows.size(), note))
    }
}

/// What is said of an encoded file.
fn done(
    (input, output): (&Location, &Location),
    bytes: u64,
    (width, height): (u32, u32),
    note: Option<String>,
) -> Done {
    let bpp = bits_per_pixel(bytes, width, height);
    let note = note.map_or_else(String::new, |note| format!(" ({note})"));
    Done {
        line: format!("{input} -> {output}: {bytes} bytes, {bpp:.3} bits per pixel{note}"),
        bytes: [input.size(), bytes],
    }
}

/// Whether a file has the name of an image.
fn is_image(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}

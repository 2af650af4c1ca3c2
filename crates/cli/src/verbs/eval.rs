//! `heirloom eval`

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use heirloom_eval::anchors::{self, Anchor};
use heirloom_eval::plot::{Role, Series};
use heirloom_eval::record::{self, Comparison, SCHEMA};
use heirloom_eval::{Figure, ImageRecord, Interpolation, Report, bd_rate, bits_per_pixel, ms_ssim, psnr};

use heirloom_io::ReadOptions;

use crate::batch;
use crate::coding::{self, Way};
use crate::failure::Failure;
use crate::folder;
use crate::location::Location;
use crate::models::{ModelFlags, Models, Wish};
use crate::peers::Peer;

/// Measure the codec on a folder of images
///
/// Every image is encoded at every λ into a real file, which is read back from disk and decoded; the rate counts all
/// its bytes. PSNR and MS-SSIM are of 8-bit RGB, averaged over the images. The BD-rate (PCHIP on log-rate over PSNR)
/// against an anchor is the mean difference of the rates at equal PSNR: negative when this codec needs fewer bits. The
/// anchors in this program were measured on the 24 Kodak images, so they are compared with on these only.
///
/// Times are wall times per image while all threads are at work; --threads 1 gives those of one image on one core.
#[derive(clap::Args)]
pub struct Eval {
    /// Folder of images, without its subfolders
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Values of λ to code at [default: six, evenly spread on a logarithmic scale over the model's range]
    #[arg(long, value_name = "L,L,…", value_delimiter = ',')]
    lambdas: Vec<f32>,

    /// Curve to compare with, of the same images: JSON with codec, source, dataset, images, bpp and psnr; repeatable
    #[arg(long = "anchor", value_name = "FILE")]
    anchors: Vec<PathBuf>,

    /// Other codecs to measure on the same images, by real files: jpeg; webp and avif where they were built in
    #[arg(long, value_name = "CODEC,…", value_enum, value_delimiter = ',', hide_possible_values = true)]
    with: Vec<Peer>,

    /// Decode with strict arithmetic
    #[arg(long)]
    exact: bool,

    /// Write all results, with one record per image and λ, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Draw the rate-distortion curves as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,

    #[command(flatten)]
    models: ModelFlags,

    /// Replace existing files
    #[arg(short, long)]
    force: bool,
}

/// Without --lambdas, this many.
const DEFAULT_POINTS: u8 = 6;

impl Eval {
    pub fn run(&self, threads: usize, quiet: bool) -> Result<ExitCode, Failure> {
        let outputs: Vec<Location> = [&self.json, &self.plot].into_iter().flatten().map(|p| Location::new(p)).collect();
        outputs.iter().try_for_each(|place| place.check_writable(self.force))?;
        self.with.iter().try_for_each(|peer| peer.check())?;
        let images = folder::images(&self.folder)?;
        let models = Models::load(&self.models)?;
        let lambdas = self.lambdas(&models)?;
        let dataset = folder::dataset(&self.folder, &images);
        let mut anchors = self.anchors(&images)?;
        let scratch = scratch()?;
        let known = anchors.len();
        for peer in &self.with {
            anchors.push(peer.measure(&images, &dataset, scratch.path(), threads, quiet)?);
        }

        let records = self.measure(&images, &lambdas, &models, scratch.path(), threads, quiet)?;
        let mut report = Report {
            schema: SCHEMA.into(),
            program: format!("heirloom {}", env!("CARGO_PKG_VERSION")),
            model: models.writer_name()?,
            dataset,
            images: images.len(),
            arithmetic: if self.exact { "strict" } else { "fused" }.into(),
            points: Report::summarise(&records),
            anchors: Vec::new(),
            peers: anchors[known..].iter().map(measured).collect(),
            records,
        };
        let curve = report.curve("heirloom");
        report.anchors = anchors.iter().map(|anchor| compare(anchor, &curve)).collect();

        print!("{}", table(&report));
        if let Some(path) = &self.json {
            let text = report.to_json().map_err(|e| Failure::failed(e.to_string()))?;
            Location::new(path).write(text.as_bytes(), self.force)?;
        }
        if let Some(path) = &self.plot {
            let svg = figure(&report, &anchors)?;
            Location::new(path).write(svg.as_bytes(), self.force)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn lambdas(&self, models: &Models) -> Result<Vec<f32>, Failure> {
        let mut lambdas = if self.lambdas.is_empty() {
            models.lambda_range()?.log_spaced(DEFAULT_POINTS)
        } else {
            self.lambdas.iter().map(|&l| models.check_lambda(l)).collect::<Result<Vec<f32>, _>>()?
        };
        lambdas.sort_by(f32::total_cmp);
        lambdas.dedup();
        Ok(lambdas)
    }

    /// Curves to compare with: those of other codecs on Kodak where these are its images, and the user's.
    fn anchors(&self, images: &[PathBuf]) -> Result<Vec<Anchor>, Failure> {
        let mut found = if anchors::is_kodak(images) {
            anchors::all().map_err(|e| Failure::failed(e.to_string()))?
        } else {
            vec![]
        };
        for path in &self.anchors {
            let text = fs::read_to_string(path).map_err(|e| Failure::failed(format!("{}: {e}", path.display())))?;
            found.push(Anchor::from_json(&text).map_err(|e| Failure::damaged(format!("{}: {e}", path.display())))?);
        }
        Ok(found)
    }

    /// All records, by image and λ.
    fn measure(
        &self,
        images: &[PathBuf],
        lambdas: &[f32],
        models: &Models,
        scratch: &Path,
        threads: usize,
        quiet: bool,
    ) -> Result<Vec<ImageRecord>, Failure> {
        batch::collect(images.len() * lambdas.len(), threads, quiet, |i| {
            let (image, lambda) = (&images[i / lambdas.len()], lambdas[i % lambdas.len()]);
            self.one(image, lambda, models, &scratch.join(format!("{i}.hlm")))
                .map_err(|e| e.about(format_args!("{} at λ {lambda}", image.display())))
        })
    }

    fn one(&self, image: &Path, lambda: f32, models: &Models, file: &Path) -> Result<ImageRecord, Failure> {
        let disk = |e: std::io::Error| Failure::failed(e.to_string());
        let original = heirloom_io::read_file(image, &ReadOptions::default())?;
        let start = Instant::now();
        let (coded, estimated_bits) = coding::encode_with_estimate(models.writer()?, &original, lambda)?;
        let encode_seconds = start.elapsed().as_secs_f64();
        fs::write(file, &coded).map_err(disk)?;

        let bytes = fs::read(file).map_err(disk)?;
        let start = Instant::now();
        let way = Way { exact: self.exact, generation: Some(Wish::Writer), ..Way::default() };
        let decoded = coding::decode(models, &bytes, &way)?.image;
        let decode_seconds = start.elapsed().as_secs_f64();
        fs::remove_file(file).map_err(disk)?;

        let (width, height) = (original.width(), original.height());
        let (before, after) = (original.to_rgb(), decoded.to_rgb());
        let pixel_count = f64::from(width) * f64::from(height);
        Ok(ImageRecord {
            image: image.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            width,
            height,
            lambda,
            bytes: bytes.len() as u64,
            bpp: bits_per_pixel(bytes.len() as u64, width, height),
            estimated_bpp: estimated_bits / pixel_count,
            psnr: psnr(&before, &after).map_err(|e| Failure::failed(e.to_string()))?,
            ms_ssim: ms_ssim(&before, &after, width as usize, height as usize).ok(),
            encode_seconds,
            decode_seconds,
        })
    }
}

fn scratch() -> Result<tempfile::TempDir, Failure> {
    tempfile::tempdir().map_err(|e| Failure::failed(format!("cannot make a temporary folder: {e}")))
}

fn measured(anchor: &Anchor) -> record::Peer {
    let (codec, points) = (anchor.curve.name().into(), anchor.curve.points().to_vec());
    record::Peer { codec, source: anchor.source.clone(), points }
}

fn compare(anchor: &Anchor, curve: &Result<heirloom_eval::Curve, heirloom_eval::EvalError>) -> Comparison {
    let result = curve.clone().and_then(|curve| bd_rate(&anchor.curve, &curve, Interpolation::Pchip));
    Comparison {
        anchor: anchor.curve.name().into(),
        bd_rate: result.as_ref().ok().copied(),
        refused: result.err().map(|e| e.to_string()),
    }
}

fn table(report: &Report) -> String {
    let mut text = format!(
        "{} on {} ({} images), model {}, {} arithmetic\n\n{:>8} {:>9} {:>10} {:>9} {:>9} {:>10} {:>10}\n",
        report.program,
        report.dataset,
        report.images,
        report.model,
        report.arithmetic,
        "λ",
        "bpp",
        "estimated",
        "PSNR dB",
        "MS-SSIM",
        "encode s",
        "decode s"
    );
    for p in &report.points {
        let similarity = p.ms_ssim.map_or_else(|| "-".into(), |v| format!("{v:.4}"));
        text += &format!(
            "{:>8.6} {:>9.4} {:>10.4} {:>9.3} {similarity:>9} {:>10.3} {:>10.3}\n",
            format!("{}", p.lambda),
            p.bpp,
            p.estimated_bpp,
            p.psnr,
            p.encode_seconds,
            p.decode_seconds
        );
    }
    if let Some((record, bytes)) = report.largest_overhead() {
        text += &format!(
            "\nfiles: at most 1.01 times the estimate {bytes:+.0} bytes ({} at λ {})\n",
            record.image, record.lambda
        );
    }
    for record in report.falling_psnr() {
        text += &format!("PSNR of {} falls towards λ {}\n", record.image, record.lambda);
    }
    if !report.anchors.is_empty() {
        text += "\nBD-rate against   per cent   over PSNR of\n";
    }
    for a in &report.anchors {
        text += &match (&a.bd_rate, &a.refused) {
            (Some(bd), _) => {
                format!("{:<16} {:>+9.2}   {:.2} to {:.2} dB\n", a.anchor, bd.percent, bd.psnr_low, bd.psnr_high)
            }
            (None, reason) => format!("{:<16}         -   {}\n", a.anchor, reason.as_deref().unwrap_or_default()),
        };
    }
    text
}

fn figure(report: &Report, anchors: &[Anchor]) -> Result<String, Failure> {
    let failed = |e: heirloom_eval::EvalError| Failure::failed(e.to_string());
    let mut series = vec![Series::new(&report.curve("heirloom").map_err(failed)?, Role::Main)];
    series.extend(anchors.iter().map(|a| Series::new(&a.curve, Role::Background)));
    let lambdas = report.points.first().zip(report.points.last()).map(|(a, b)| (a.lambda, b.lambda));
    let figure = Figure {
        title: format!("Rate and distortion on {}", report.dataset),
        dataset: report.dataset.clone(),
        images: report.images,
        lambda: lambdas,
        series,
    };
    figure.to_svg().map_err(failed)
}

//! `heirloom eval`

use std::fs;
use std::path::{Path, PathBuf};

use heirloom_codec::Effort;
use heirloom_eval::anchors::{self, Anchor};
use heirloom_eval::plot::{Role, Series};
use heirloom_eval::record::{Comparison, SCHEMA};
use heirloom_eval::{Curve, EvalError, Figure, ImageRecord, Interpolation, Measure, Point, RealFile, Report, bd_rate};
use heirloom_io::{ReadOptions, read_file};
use heirloom_store::{GenerationSelector, ModelSet, StoredModel};

use crate::batch;
use crate::coding::{self, DecodeRequest};
use crate::failure::{ExitCode, Failure};
use crate::folder;
use crate::location::Location;
use crate::models::{self, ModelFlags};
use crate::peers::{Peer, qualities};
use crate::print;

/// Number of λ without --lambdas.
const DEFAULT_POINTS: u8 = 6;

/// Measure rate and quality on a folder of images
///
/// Every image is encoded at every λ into a real file, which is read back from disk and decoded;
/// the rate counts all of its bytes. PSNR and MS-SSIM are those of 8-bit RGB, averaged over the
/// images.
///
/// The BD-rate against another codec is the mean difference of the rates at equal PSNR (PCHIP
/// interpolation of log-rate over PSNR); it is negative if this codec needs fewer bits. On the 24
/// Kodak images the results are compared with the curves of other codecs that are built in.
/// --anchor and --with add more curves, on any images. Codecs of --with are also compared at equal
/// MS-SSIM and, in a program with the feature `peers`, at equal SSIMULACRA 2.
///
/// Times are wall times per image while all threads are busy; --threads 1 gives those of one image
/// on one core.
#[derive(clap::Args)]
pub struct Eval {
    /// Folder of images; subfolders are ignored
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Values of λ to measure at [default: six, evenly spaced on a logarithmic scale over the
    /// model's range]
    #[arg(long, value_name = "L,L,…", value_delimiter = ',')]
    lambdas: Vec<f32>,

    /// Effort of encoding, 1 to 9. Above 1 the results are also compared with those of effort 1
    #[arg(long, value_name = "N", value_parser = coding::parse_effort, default_value = "1")]
    effort: Effort,

    /// JSON file with the curve of another codec on the same images: codec, source, dataset,
    /// images, bpp and psnr; may be given several times
    #[arg(long = "anchor", value_name = "FILE")]
    anchors: Vec<PathBuf>,

    /// Other codecs to measure on the same images: jpeg; jxl, by the program cjxl; and webp and avif if
    /// they were built in
    #[arg(long, value_name = "CODEC,…", value_enum, value_delimiter = ',', hide_possible_values = true)]
    with: Vec<Peer>,

    /// Write all results, with one record per image and λ, as JSON of schema heirloom-eval/1
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

impl Eval {
    pub fn run(&self, threads: usize, quiet: bool) -> Result<ExitCode, Failure> {
        let outputs: Vec<Location> = [&self.json, &self.plot].into_iter().flatten().map(|p| Location::new(p)).collect();
        outputs.iter().try_for_each(|output| output.check_writable(self.force))?;
        self.with.iter().try_for_each(|peer| peer.check())?;
        let images = folder::images(&self.folder)?;
        let models = self.models.load()?;
        let lambdas = models::lambdas(&self.lambdas, DEFAULT_POINTS, models.writer().metadata().lambda.encoder)?;
        let dataset = folder::dataset(&self.folder, &images);
        let mut anchors = self.anchors(&images)?;
        let scratch = folder::scratch()?;
        let measured = self.with.iter().map(|peer| peer.measure(&images, scratch.path(), threads, quiet));
        let peers = measured.collect::<Result<Vec<_>, _>>()?;
        for peer in &peers {
            let (curve, source) = (peer.curve(Measure::Psnr)?, peer.source.clone());
            anchors.push(Anchor { curve, source, dataset: dataset.clone(), images: images.len() });
        }

        let case = |i: usize| (&images[i / lambdas.len()], lambdas[i % lambdas.len()]);
        let name = |i| format!("{} at λ {}", case(i).0.display(), case(i).1);
        let measure = |effort| {
            batch::collect(images.len() * lambdas.len(), threads, quiet, name, |i| {
                let (image, lambda) = case(i);
                measure(image, lambda, effort, &models, &scratch.path().join(format!("{i}.hlm")))
            })
        };
        let mut plain = None;
        if self.effort > Effort::default() {
            let records = measure(Effort::default())?;
            anchors.push(without_effort(&records, &dataset, images.len())?);
            plain = Some(records);
        }
        let records = measure(self.effort)?;
        let mut report = Report {
            schema: SCHEMA.into(),
            program: format!("heirloom {}", env!("CARGO_PKG_VERSION")),
            model: model_name(models.writer()),
            dataset,
            images: images.len(),
            points: Report::summarise(&records),
            anchors: Vec::new(),
            peers,
            records,
        };
        let curve = report.curve("heirloom", Measure::Psnr);
        let mut compared: Vec<_> = anchors
            .iter()
            .map(|anchor| compare(anchor.curve.name(), Ok(anchor.curve.clone()), &curve, Measure::Psnr))
            .collect();
        for over in [Measure::MsSsim, Measure::Ssimulacra2].into_iter().filter(|measure| report.has(*measure)) {
            let curve = report.curve("heirloom", over);
            compared.extend(report.peers.iter().map(|peer| compare(&peer.codec, peer.curve(over), &curve, over)));
        }
        report.anchors = compared;

        print::text(table(&report));
        if let Some(plain) = plain {
            print::text(effect(&plain, &report.records));
        }
        if let Some(path) = &self.json {
            Location::new(path).write(report.to_json()?.as_bytes(), self.force)?;
        }
        if let Some(path) = &self.plot {
            Location::new(path).write(figure(&report, &anchors)?.as_bytes(), self.force)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Curves to compare with: the built-in ones if the images are Kodak's, and those of --anchor.
    fn anchors(&self, images: &[PathBuf]) -> Result<Vec<Anchor>, Failure> {
        let mut found = if anchors::is_kodak(images) { anchors::all()? } else { vec![] };
        for path in &self.anchors {
            let text = fs::read_to_string(path).map_err(|e| Failure::failed(format!("{}: {e}", path.display())))?;
            found.push(Anchor::from_json(&text).map_err(|e| Failure::damaged(format!("{}: {e}", path.display())))?);
        }
        Ok(found)
    }
}

/// Measures one image at one λ.
fn measure(
    image: &Path,
    lambda: f32,
    effort: Effort,
    models: &ModelSet,
    scratch: &Path,
) -> Result<ImageRecord, Failure> {
    let original = read_file(image, &ReadOptions::default())?;
    let model = models.writer().model()?;
    let mut estimated_bits = 0.0;
    let file = RealFile::write(&original, scratch, |image| {
        let (coded, bits) = coding::encode_with_estimate(model, image, lambda, effort)?;
        estimated_bits = bits;
        Ok::<_, Failure>(coded)
    })?;
    let request = DecodeRequest { generation: Some(GenerationSelector::Writer), ..DecodeRequest::default() };
    let decoded = file.decode(|bytes| coding::decode(models, &bytes, &request).map(|decoded| decoded.image))?;
    let (width, height) = (original.width(), original.height());
    Ok(ImageRecord {
        image: image.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        width,
        height,
        lambda,
        bytes: file.size(),
        bpp: file.bpp(),
        estimated_bpp: estimated_bits / (f64::from(width) * f64::from(height)),
        quality: qualities(&original, &decoded.image)?,
        encode_seconds: file.encode_seconds(),
        decode_seconds: decoded.seconds,
    })
}

/// The results of effort 1 as a curve to compare with.
fn without_effort(records: &[ImageRecord], dataset: &str, images: usize) -> Result<Anchor, Failure> {
    let points = Report::summarise(records).iter().map(|p| Point { bpp: p.bpp, psnr: p.quality.psnr }).collect();
    let curve = Curve::new("effort 1", points)?;
    Ok(Anchor { curve, source: "this program".into(), dataset: dataset.into(), images })
}

/// What effort has made of each image's loss, bits per pixel + λ · squared error.
fn effect(plain: &[ImageRecord], records: &[ImageRecord]) -> String {
    let loss = |r: &ImageRecord| r.bpp + f64::from(r.lambda) * 4.0 * 10f64.powf(-r.quality.psnr / 10.0);
    let left: Vec<f64> = plain.iter().zip(records).map(|(before, after)| loss(after) / loss(before)).collect();
    let saved = 100.0 * (1.0 - left.iter().sum::<f64>() / left.len().max(1) as f64);
    let larger = left.iter().filter(|&&left| left > 1.0).count();
    format!("effort: {saved:.2} % of the loss saved; larger than with effort 1 for {larger} of {} files\n", left.len())
}

/// Name and generation of a model, in words.
fn model_name(model: &StoredModel) -> String {
    let lineage = model.lineage();
    format!("{}, generation {} of lineage {:.16}", model.name(), lineage.generation, lineage.entropy_id.to_string())
}

fn compare(
    name: &str,
    anchor: Result<Curve, EvalError>,
    curve: &Result<Curve, EvalError>,
    over: Measure,
) -> Comparison {
    let result =
        anchor.and_then(|anchor| bd_rate(&anchor, curve.as_ref().map_err(Clone::clone)?, Interpolation::Pchip));
    Comparison {
        anchor: name.into(),
        over,
        bd_rate: result.as_ref().ok().copied(),
        refused: result.err().map(|e| e.to_string()),
    }
}

fn table(report: &Report) -> String {
    // A column only where it was measured.
    let perceived = report.has(Measure::Ssimulacra2);
    let mut text = format!(
        "{} on {} ({} images), model {}\n\n{:>8} {:>9} {:>10} {:>9} {:>9}{} {:>10} {:>10}\n",
        report.program,
        report.dataset,
        report.images,
        report.model,
        "λ",
        "bpp",
        "estimated",
        "PSNR dB",
        "MS-SSIM",
        if perceived { " SSIMULACRA 2" } else { "" },
        "encode s",
        "decode s"
    );
    for p in &report.points {
        let similarity = p.quality.ms_ssim.map_or_else(|| "-".into(), |v| format!("{v:.4}"));
        let perceived = p.quality.ssimulacra2.map(|v| format!(" {v:>12.2}")).unwrap_or_default();
        text += &format!(
            "{:>8.6} {:>9.4} {:>10.4} {:>9.3} {similarity:>9}{perceived} {:>10.3} {:>10.3}\n",
            format!("{}", p.lambda),
            p.bpp,
            p.estimated_bpp,
            p.quality.psnr,
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
        text += "\nBD-rate against   per cent   over\n";
    }
    for a in &report.anchors {
        text += &match (&a.bd_rate, &a.refused) {
            (Some(bd), _) => {
                let (name, unit) = (a.over.name(), a.over.unit());
                let (low, high) = (bd.psnr_low, bd.psnr_high);
                format!("{:<16} {:>+9.2}   {name} of {low:.2} to {high:.2} {unit}\n", a.anchor, bd.percent)
            }
            (None, reason) => {
                let reason = reason.as_deref().unwrap_or_default();
                format!("{:<16}         -   {}: {reason}\n", a.anchor, a.over.name())
            }
        };
    }
    text
}

fn figure(report: &Report, anchors: &[Anchor]) -> Result<String, Failure> {
    let mut series = vec![Series::new(&report.curve("heirloom", Measure::Psnr)?, Role::Main)];
    series.extend(anchors.iter().map(|a| Series::new(&a.curve, Role::Background)));
    let lambdas = report.points.first().zip(report.points.last()).map(|(a, b)| (a.lambda, b.lambda));
    let figure = Figure {
        title: format!("Rate and distortion on {}", report.dataset),
        dataset: report.dataset.clone(),
        images: report.images,
        lambda: lambdas,
        series,
    };
    Ok(figure.to_svg()?)
}

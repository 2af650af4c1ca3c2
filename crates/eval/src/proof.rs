//! The proof that a newer model keeps an older one's files.
//!
//! The newer model is *decodable* if it has the older one's entropy branch and finds the same
//! latents in every file. It is *stable* if, besides, the mean PSNR of the older model's files
//! falls by no more than [`TOLERANCE_DB`] at any λ.

use serde::Serialize;

use crate::{BdRate, Curve, EvalError, Interpolation, Point, bd_rate, mean};

/// Version of the JSON form.
pub const SCHEMA: &str = "heirloom-verify/1";
/// Largest loss of mean PSNR of the older model's files at any λ, in dB.
pub const TOLERANCE_DB: f64 = 0.05;

/// One of the two compared models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparedModel {
    /// Name of the model, such as its path.
    pub name: String,
    /// Number of the generation.
    pub generation: u32,
    /// Generation id in hexadecimal digits.
    pub generation_id: String,
    /// Entropy id in hexadecimal digits.
    pub entropy_id: String,
}

/// A file that the older model wrote, as both models decode it. In JSON an infinite PSNR is `null`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileProof {
    /// File name of the image, without its folder.
    pub image: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// λ of the file.
    pub lambda: f32,
    /// Length of the file on disk, in bytes.
    pub bytes: u64,
    /// Rate in bits per pixel.
    pub bpp: f64,
    /// Hash of the latents that the older model finds, in hexadecimal digits.
    pub latents: String,
    /// Whether the newer model finds the same latents.
    pub identical: bool,
    /// Why the newer model refused the file, if it did.
    pub problem: Option<String>,
    /// PSNR in dB as the older model decodes it.
    pub psnr_old: f64,
    /// PSNR in dB as the newer model decodes it, by force if it refused; `None` if there is no
    /// image.
    pub psnr_new: Option<f64>,
    /// The same image at the same λ, written and decoded by the newer model; `None` if λ is outside
    /// its range.
    pub new_file: Option<NewFile>,
}

/// A file that the newer model wrote.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NewFile {
    /// Length of the file on disk, in bytes.
    pub bytes: u64,
    /// Rate in bits per pixel.
    pub bpp: f64,
    /// PSNR in dB.
    pub psnr: f64,
}

impl FileProof {
    /// PSNR by the newer model minus PSNR by the older one, in dB; 0 if both are infinite, `None`
    /// if the newer model has no image.
    #[must_use]
    pub fn difference(&self) -> Option<f64> {
        let new = self.psnr_new?;
        Some(if new == self.psnr_old { 0.0 } else { new - self.psnr_old })
    }
}

/// All files at one λ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProofPoint {
    /// Value of λ.
    pub lambda: f32,
    /// Number of files.
    pub files: usize,
    /// Number of files in which both models find the same latents.
    pub identical: usize,
    /// Mean rate of the older model's files, in bits per pixel.
    pub bpp: f64,
    /// Mean PSNR in dB as the older model decodes them.
    pub psnr_old: f64,
    /// Mean PSNR in dB as the newer model decodes them; `None` if it has no image of one.
    pub psnr_new: Option<f64>,
    /// Mean of [`FileProof::difference`], in dB.
    pub difference: Option<f64>,
    /// Smallest [`FileProof::difference`], in dB.
    pub worst: Option<f64>,
    /// Image of the file with the smallest difference.
    pub worst_image: String,
    /// Mean rate and PSNR of the newer model's own files.
    pub new_files: Option<Point>,
}

/// Measurements and conclusions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proof {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Name and version of the program that measured.
    pub program: String,
    /// The older model.
    pub old: ComparedModel,
    /// The newer model.
    pub new: ComparedModel,
    /// Name of the set of images.
    pub dataset: String,
    /// Number of images.
    pub images: usize,
    /// Hash of the images' names and bytes, in hexadecimal digits.
    pub images_hash: String,
    /// [`TOLERANCE_DB`].
    pub tolerance_db: f64,
    /// Whether the newer model decodes the older one's files.
    pub decodable: bool,
    /// Whether it also keeps their quality.
    pub stable: bool,
    /// What fails, one sentence each; empty if the proof holds.
    pub broken: Vec<String>,
    /// Means per λ, ascending.
    pub points: Vec<ProofPoint>,
    /// BD-rate of the newer model's files against the older one's; `None` if it was refused.
    pub bd_rate: Option<BdRate>,
    /// Why the BD-rate was refused.
    pub bd_rate_refused: Option<String>,
    /// Machine that measured, in words.
    pub machine: String,
    /// Wall time of the measurement, in seconds.
    pub seconds: f64,
    /// All files.
    pub files: Vec<FileProof>,
}

/// Measurements that a proof is drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Name and version of the program that measured.
    pub program: String,
    /// The older model.
    pub old: ComparedModel,
    /// The newer model.
    pub new: ComparedModel,
    /// Name of the set of images.
    pub dataset: String,
    /// Hash of the images' names and bytes, in hexadecimal digits.
    pub images_hash: String,
    /// Number of images.
    pub images: usize,
    /// How the newer model's entropy branch differs from the older one's; `None` if it is
    /// identical.
    pub entropy: Option<String>,
    /// Machine that measured, in words.
    pub machine: String,
    /// Wall time of the measurement, in seconds.
    pub seconds: f64,
    /// All files: each image at each λ.
    pub files: Vec<FileProof>,
}

impl Proof {
    /// Draws the conclusions.
    #[must_use]
    pub fn new(evidence: Evidence) -> Self {
        let Evidence { program, old, new, dataset, images_hash, images, entropy, machine, seconds, files } = evidence;
        let points = points(&files);
        let mut broken: Vec<String> = entropy.into_iter().collect();
        broken.extend(unlike(&files));
        let decodable = broken.is_empty() && !files.is_empty();
        if files.is_empty() {
            broken.push("nothing was measured: there are no files".to_owned());
        }
        let fallen = fallen(&points);
        let stable = decodable && fallen.is_none();
        broken.extend(fallen);
        let bd = bd(&points);
        Self {
            schema: SCHEMA,
            program,
            old,
            new,
            dataset,
            images,
            images_hash,
            tolerance_db: TOLERANCE_DB,
            decodable,
            stable,
            broken,
            points,
            bd_rate: bd.as_ref().ok().copied(),
            bd_rate_refused: bd.err().map(|e| e.to_string()),
            machine,
            seconds,
            files,
        }
    }

    /// The file that lost most PSNR, if the newer model has an image of every file.
    #[must_use]
    pub fn worst(&self) -> Option<(&FileProof, f64)> {
        let lost = self.files.iter().map(|file| Some((file, file.difference()?))).collect::<Option<Vec<_>>>()?;
        lost.into_iter().min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The proof as JSON, indented, with a newline at its end.
    ///
    /// # Errors
    /// [`EvalError::Json`] if it cannot be written, which does not happen.
    pub fn to_json(&self) -> Result<String, EvalError> {
        serde_json::to_string_pretty(self)
            .map(|text| text + "\n")
            .map_err(|e| EvalError::Json { what: "a proof".into(), reason: e.to_string() })
    }
}

fn points(files: &[FileProof]) -> Vec<ProofPoint> {
    let mut lambdas: Vec<f32> = files.iter().map(|f| f.lambda).collect();
    lambdas.sort_by(f32::total_cmp);
    lambdas.dedup();
    let point = |lambda| {
        let here: Vec<&FileProof> = files.iter().filter(|f| f.lambda == lambda).collect();
        let all =
            |value: fn(&FileProof) -> Option<f64>| -> Option<Vec<f64>> { here.iter().map(|f| value(f)).collect() };
        let worst = here.iter().filter_map(|f| Some((f, f.difference()?))).min_by(|a, b| a.1.total_cmp(&b.1));
        let (bpp, psnr) = (all(|f| f.new_file.map(|n| n.bpp)), all(|f| f.new_file.map(|n| n.psnr)));
        ProofPoint {
            lambda,
            files: here.len(),
            identical: here.iter().filter(|f| f.identical).count(),
            bpp: mean(here.iter().map(|f| f.bpp)),
            psnr_old: mean(here.iter().map(|f| f.psnr_old)),
            psnr_new: all(|f| f.psnr_new).map(mean),
            difference: all(FileProof::difference).map(mean),
            worst: worst.map(|(_, difference)| difference),
            worst_image: worst.map(|(file, _)| file.image.clone()).unwrap_or_default(),
            new_files: bpp.zip(psnr).map(|(bpp, psnr)| Point { bpp: mean(bpp), psnr: mean(psnr) }),
        }
    };
    lambdas.into_iter().map(point).collect()
}

/// Sentence on the files in which the newer model finds other latents, if there are any.
fn unlike(files: &[FileProof]) -> Option<String> {
    let mut unlike = files.iter().filter(|f| !f.identical);
    let first = unlike.next()?;
    let what = first.problem.clone().unwrap_or_else(|| "it decodes to other latents".to_owned());
    Some(format!(
        "{} of {} files of the old model do not keep their latents; the first is {} at λ {}: {what}",
        1 + unlike.count(),
        files.len(),
        first.image,
        first.lambda
    ))
}

/// Sentence on the λ at which the older model's files lose most, if that is more than the
/// tolerance.
fn fallen(points: &[ProofPoint]) -> Option<String> {
    // Files without an image are reported already.
    let differences = points.iter().filter_map(|p| Some((p, p.difference?)));
    // A mean over infinities of both signs is NaN, which proves nothing.
    let differences = differences.map(|(p, d)| (p, if d.is_nan() { f64::NEG_INFINITY } else { d }));
    let (point, difference) = differences.min_by(|a, b| a.1.total_cmp(&b.1))?;
    if difference >= -TOLERANCE_DB {
        return None;
    }
    Some(format!(
        "the old model's files lose {:.3} dB on average at λ {}, {TOLERANCE_DB} dB are allowed; the worst is {}, {:+.3} dB",
        -difference,
        point.lambda,
        point.worst_image,
        point.worst.unwrap_or(difference)
    ))
}

fn bd(points: &[ProofPoint]) -> Result<BdRate, EvalError> {
    let old = points.iter().map(|p| Point { bpp: p.bpp, psnr: p.psnr_old }).collect();
    let new = points.iter().filter_map(|p| p.new_files).collect();
    bd_rate(&Curve::new("old files", old)?, &Curve::new("new files", new)?, Interpolation::Pchip)
}

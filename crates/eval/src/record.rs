//! The results of an evaluation: one record per image and λ, and the report of all records.

use serde::{Deserialize, Serialize};

use crate::{BdRate, Curve, EvalError, Measure, Point, Qualities, mean};

/// Version of the JSON form. Readers refuse versions that they do not know.
pub const SCHEMA: &str = "heirloom-eval/1";

/// One image coded at one λ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// File name of the image, without its folder.
    pub image: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Rate-distortion multiplier of the file.
    pub lambda: f32,
    /// Length of the coded file on disk, in bytes.
    pub bytes: u64,
    /// Rate of the file in bits per pixel: 8 · `bytes` / pixels.
    pub bpp: f64,
    /// Rate estimated from the model's probabilities, in bits per pixel.
    pub estimated_bpp: f64,
    /// Qualities of the decoded image.
    #[serde(flatten)]
    pub quality: Qualities,
    /// Wall time of encoding, in seconds.
    pub encode_seconds: f64,
    /// Wall time of decoding, in seconds.
    pub decode_seconds: f64,
}

/// Means over all images at one λ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Rate-distortion multiplier.
    pub lambda: f32,
    /// Mean of the images' real rates, in bits per pixel.
    pub bpp: f64,
    /// Mean of the images' estimated rates, in bits per pixel.
    pub estimated_bpp: f64,
    /// Means of the images' qualities.
    #[serde(flatten)]
    pub quality: Qualities,
    /// Mean wall time of encoding, in seconds per image.
    pub encode_seconds: f64,
    /// Mean wall time of decoding, in seconds per image.
    pub decode_seconds: f64,
}

/// The comparison with one anchor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Name of the anchor.
    pub anchor: String,
    /// What the BD-rate is over.
    #[serde(default, skip_serializing_if = "Measure::is_psnr")]
    pub over: Measure,
    /// The BD-rate, unless it was refused.
    pub bd_rate: Option<BdRate>,
    /// Why the BD-rate was refused.
    pub refused: Option<String>,
}

/// Curve of another codec, measured on the same images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// Name of the codec, as in the comparisons.
    pub codec: String,
    /// Encoder and settings.
    pub source: String,
    /// Means over the images.
    pub points: Vec<PeerPoint>,
}

/// One quality setting of another codec: means over the images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PeerPoint {
    /// Rate in bits per pixel.
    pub bpp: f64,
    /// Qualities of the decoded images.
    #[serde(flatten)]
    pub quality: Qualities,
}

impl Peer {
    /// The codec's rate over a measure.
    ///
    /// # Errors
    /// [`EvalError::Curve`] if the means are not a curve, or were not measured.
    pub fn curve(&self, over: Measure) -> Result<Curve, EvalError> {
        curve(&self.codec, over, self.points.iter().map(|p| (p.bpp, &p.quality)))
    }
}

/// A whole evaluation with all of its results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// Name and version of the program that measured.
    pub program: String,
    /// Name, lineage and generation of the model, in words.
    pub model: String,
    /// Name of the data set.
    pub dataset: String,
    /// Number of images.
    pub images: usize,
    /// Means per λ, in ascending λ.
    pub points: Vec<Summary>,
    /// Comparison with every anchor.
    pub anchors: Vec<Comparison>,
    /// Other codecs measured on the same images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<Peer>,
    /// All images at all λ.
    pub records: Vec<ImageRecord>,
}

impl Report {
    /// Means of `records` per λ. They compare only if every λ has the same images.
    pub fn summarise(records: &[ImageRecord]) -> Vec<Summary> {
        let mut lambdas: Vec<f32> = records.iter().map(|r| r.lambda).collect();
        lambdas.sort_by(f32::total_cmp);
        lambdas.dedup();
        lambdas
            .into_iter()
            .map(|lambda| {
                let of =
                    |value: fn(&ImageRecord) -> f64| mean(records.iter().filter(|r| r.lambda == lambda).map(value));
                let qualities: Vec<Qualities> =
                    records.iter().filter(|r| r.lambda == lambda).map(|r| r.quality).collect();
                Summary {
                    lambda,
                    bpp: of(|r| r.bpp),
                    estimated_bpp: of(|r| r.estimated_bpp),
                    quality: Qualities::mean(&qualities),
                    encode_seconds: of(|r| r.encode_seconds),
                    decode_seconds: of(|r| r.decode_seconds),
                }
            })
            .collect()
    }

    /// The rate-distortion curve of the means, over a measure.
    ///
    /// # Errors
    /// [`EvalError::Curve`] if the means are not a curve, for instance because a PSNR is infinite, or
    /// were not measured.
    pub fn curve(&self, name: &str, over: Measure) -> Result<Curve, EvalError> {
        curve(name, over, self.points.iter().map(|p| (p.bpp, &p.quality)))
    }

    /// Whether all images have a measure.
    #[must_use]
    pub fn has(&self, measure: Measure) -> bool {
        self.records.iter().all(|r| r.quality.by(measure).is_some())
    }

    /// The record whose file exceeds 1.01 times its estimated size most, and by how many bytes: the
    /// cost of container and entropy coder. `None` without records.
    pub fn largest_overhead(&self) -> Option<(&ImageRecord, f64)> {
        let overhead = |r: &ImageRecord| {
            let estimated = r.estimated_bpp * f64::from(r.width) * f64::from(r.height) / 8.0;
            r.bytes as f64 - 1.01 * estimated
        };
        self.records.iter().map(|r| (r, overhead(r))).max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Records with a lower PSNR than the same image has at the next lower λ.
    pub fn falling_psnr(&self) -> Vec<&ImageRecord> {
        let before = |r: &ImageRecord| {
            let lower = self.records.iter().filter(|o| o.image == r.image && o.lambda < r.lambda);
            lower.max_by(|a, b| a.lambda.total_cmp(&b.lambda)).is_some_and(|lower| lower.quality.psnr > r.quality.psnr)
        };
        self.records.iter().filter(|r| before(r)).collect()
    }

    /// The report as JSON, indented, with a newline at its end.
    ///
    /// # Errors
    /// [`EvalError::Json`] if it cannot be written, which does not happen.
    pub fn to_json(&self) -> Result<String, EvalError> {
        serde_json::to_string_pretty(self)
            .map(|text| text + "\n")
            .map_err(|e| EvalError::Json { what: "a report".into(), reason: e.to_string() })
    }

    /// Reads a report.
    ///
    /// # Errors
    /// [`EvalError::Json`] if the text is not a report of schema [`SCHEMA`].
    pub fn from_json(text: &str) -> Result<Self, EvalError> {
        let bad = |reason: String| EvalError::Json { what: "a report".into(), reason };
        let report: Self = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
        match report.schema == SCHEMA {
            true => Ok(report),
            false => Err(bad(format!("its schema is '{}', this program reads '{SCHEMA}'", report.schema))),
        }
    }
}

/// A curve of rates and qualities.
fn curve<'a>(
    name: &str,
    over: Measure,
    points: impl Iterator<Item = (f64, &'a Qualities)>,
) -> Result<Curve, EvalError> {
    let points: Option<Vec<Point>> =
        points.map(|(bpp, quality)| quality.by(over).map(|psnr| Point { bpp, psnr })).collect();
    let points = points
        .ok_or_else(|| EvalError::Curve { name: name.into(), reason: format!("{} was not measured", over.name()) })?;
    Curve::new(name, points)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(image: &str, lambda: f32, bytes: u64, psnr: f64) -> ImageRecord {
        ImageRecord {
            image: image.into(),
            width: 8,
            height: 4,
            lambda,
            bytes,
            bpp: crate::bits_per_pixel(bytes, 8, 4),
            estimated_bpp: 1.0,
            quality: Qualities { psnr, ms_ssim: None, ssimulacra2: None },
            encode_seconds: 0.5,
            decode_seconds: 0.25,
        }
    }

    fn report() -> Report {
        let records = vec![
            record("b.png", 64.0, 12, 33.0),
            record("a.png", 32.0, 4, 30.0),
            record("b.png", 32.0, 8, f64::INFINITY),
            record("a.png", 64.0, 20, 35.0),
        ];
        Report {
            schema: SCHEMA.into(),
            program: "test".into(),
            model: "none".into(),
            dataset: "two".into(),
            images: 2,
            points: Report::summarise(&records),
            anchors: vec![],
            peers: vec![],
            records,
        }
    }

    #[test]
    fn means_are_per_lambda() {
        let points = report().points;
        assert_eq!(
            points.iter().map(|p| (p.lambda, p.bpp, p.quality.psnr)).collect::<Vec<_>>(),
            [(32.0, 1.5, f64::INFINITY), (64.0, 4.0, 34.0)]
        );
    }

    #[test]
    fn overhead_and_falling_psnr_are_found() {
        let mut report = report();
        let mut low = report.records[0].clone();
        (low.image, low.lambda, low.quality.psnr, low.bytes) = ("x.png".into(), 10.0, 30.0, 1_000_000);
        let mut high = low.clone();
        (high.lambda, high.quality.psnr, high.bytes) = (20.0, 29.0, 10);
        report.records = vec![low.clone(), high.clone()];
        assert_eq!(report.falling_psnr(), [&high]);
        let (record, bytes) = report.largest_overhead().unwrap();
        let estimated = low.estimated_bpp * f64::from(low.width) * f64::from(low.height) / 8.0;
        assert_eq!((record, bytes), (&low, 1_000_000.0 - 1.01 * estimated));
        report.records.clear();
        assert!(report.largest_overhead().is_none());
    }

    #[test]
    fn json_round_trip_keeps_everything() {
        let report = report();
        let text = report.to_json().unwrap();
        assert!(text.contains("\"psnr\": null"));
        assert_eq!(Report::from_json(&text).unwrap(), report);
    }

    #[test]
    fn another_schema_is_refused() {
        let text = report().to_json().unwrap().replace(SCHEMA, "heirloom-eval/999");
        assert!(Report::from_json(&text).unwrap_err().to_string().contains("heirloom-eval/999"));
    }
}

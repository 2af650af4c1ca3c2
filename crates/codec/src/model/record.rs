//! The record of a model's publication: what was measured when it was compared with the generations
//! before it.
//!
//! Measurements grow with time. Fields that this version does not know are kept in `unknown` and
//! written back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::GenerationId;

/// The proofs that a published model carries about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Name and version of the program that measured.
    pub program: String,
    /// One proof for each earlier generation that was available, the parent's first.
    pub proofs: Vec<Proof>,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// What became of the files of one earlier generation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// Number of the earlier generation.
    pub generation: u32,
    /// Id of the earlier generation.
    pub generation_id: GenerationId,
    /// Name of the set of images.
    pub dataset: String,
    /// Number of images.
    pub images: usize,
    /// BLAKE3 of the images' names and bytes, 64 hexadecimal digits.
    pub images_hash: String,
    /// BLAKE3 of the latents that both generations found in all files, 64 hexadecimal digits.
    pub latents_hash: String,
    /// How much mean PSNR the earlier generation's files may lose at a λ, in dB.
    pub tolerance_db: f64,
    /// Means over the images, in ascending λ.
    pub points: Vec<ProofPoint>,
    /// Rate of the new generation's files against the earlier one's at equal PSNR, in per cent
    /// (negative: fewer bits); `None` where it was not measured, or refused.
    pub bd_rate: Option<f64>,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// The files of an earlier generation at one λ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProofPoint {
    /// The λ that the files were written with.
    pub lambda: f32,
    /// Mean PSNR in dB as the earlier generation decodes them; `None` if infinite.
    pub psnr_old: Option<f64>,
    /// Mean PSNR in dB as this model decodes them; `None` if infinite.
    pub psnr_new: Option<f64>,
    /// Mean over the images of new PSNR − old PSNR, in dB; `None` if infinite.
    pub difference: Option<f64>,
    /// The smallest of these differences, in dB; `None` if infinite.
    pub worst: Option<f64>,
    /// Name of the image with the smallest difference.
    pub worst_image: String,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_of_newer_versions_survive_reading_and_writing() {
        let point = json!({
            "lambda": 4.5, "psnr_old": 30.125, "psnr_new": null, "difference": null, "worst": -0.25,
            "worst_image": "w", "ssim": [0.5, 1],
        });
        let proof = json!({
            "generation": 1, "generation_id": "ab".repeat(32), "dataset": "d", "images": 2, "images_hash": "",
            "latents_hash": "", "tolerance_db": 0.05, "points": [point], "bd_rate": null, "machine": "m",
        });
        let written = json!({ "program": "p", "proofs": [proof], "date": { "year": 2030 } });
        let record: Record = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(record.proofs[0].points[0].lambda, 4.5);
        assert_eq!(record.proofs[0].unknown["machine"], "m");
        assert_eq!(serde_json::to_value(&record).unwrap(), written);
        // By way of text too, as in a model file.
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    }

    #[test]
    fn missing_fields_are_refused() {
        assert!(serde_json::from_str::<Record>("{\"program\":\"p\"}").is_err());
    }
}

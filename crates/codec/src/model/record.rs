//! The record of a model's publication: what was measured when it was compared with the generations before it.

use serde::{Deserialize, Serialize};

use super::GenerationId;

/// The proofs that a published model carries about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Name and version of the program that measured.
    pub program: String,
    /// One proof for each older generation that was at hand, the parent's first.
    pub proofs: Vec<Proof>,
}

/// What became of one older generation's files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Number of the older generation.
    pub generation: u32,
    /// Its id.
    pub generation_id: GenerationId,
    /// Name of the set of images.
    pub dataset: String,
    /// Number of images.
    pub images: usize,
    /// BLAKE3 of the images' names and bytes, 64 hexadecimal digits: which images they were.
    pub images_hash: String,
    /// BLAKE3 of the latents of all files, 64 hexadecimal digits: what both generations found in them.
    pub latents_hash: String,
    /// How much mean PSNR the older generation's files may lose at a λ, in dB.
    pub tolerance_db: f64,
    /// Means over the images, in ascending λ.
    pub points: Vec<ProofPoint>,
    /// Rate of files of the new generation against those of the older one at equal PSNR, in per cent (negative: fewer
    /// bits); none where it was not measured, or refused.
    pub bd_rate: Option<f64>,
}

/// The older generation's files at one λ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofPoint {
    /// λ that the files were written at.
    pub lambda: f32,
    /// Mean PSNR in dB as the older generation decodes them; none if it is infinite.
    pub psnr_old: Option<f64>,
    /// Mean PSNR in dB as this model decodes them; none if it is infinite.
    pub psnr_new: Option<f64>,
    /// Mean over the images of the new PSNR less the old one, in dB; none if it is infinite.
    pub difference: Option<f64>,
    /// The least of these differences, in dB; none if it is infinite.
    pub worst: Option<f64>,
    /// Name of the image with the least difference.
    pub worst_image: String,
}

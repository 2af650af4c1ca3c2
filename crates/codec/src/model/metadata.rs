//! What a model file says about its weights.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{EntropyId, GenerationId, ModelError, Record, Spec};

/// Smallest and largest λ that any model may claim: λ multiplies the mean squared error of an image in [-1, 1].
const LAMBDA_BOUNDS: (f32, f32) = (1e-3, 1e6);

/// The values of λ that a part of the network was trained for, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f32; 2]", into = "[f32; 2]")]
pub struct LambdaRange {
    /// Lowest λ: the smallest files.
    pub low: f32,
    /// Highest λ: the best images.
    pub high: f32,
}

impl LambdaRange {
    /// The paper's range of pre-training.
    pub const PRETRAINING: Self = Self { low: 32.0, high: 1024.0 };

    /// Whether `lambda` lies in the range; NaN does not.
    #[must_use]
    pub fn contains(self, lambda: f32) -> bool {
        self.low <= lambda && lambda <= self.high
    }

    /// The nearest λ in the range.
    #[must_use]
    pub fn clamp(self, lambda: f32) -> f32 {
        if lambda > self.high {
            self.high
        } else if lambda > self.low {
            lambda
        } else {
            self.low
        }
    }

    /// Both ends as `f32` bits, little endian.
    pub(super) fn canonical_bytes(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&self.low.to_bits().to_le_bytes());
        bytes[4..].copy_from_slice(&self.high.to_bits().to_le_bytes());
        bytes
    }

    fn validate(self, name: &str) -> Result<(), ModelError> {
        let (least, most) = LAMBDA_BOUNDS;
        if least <= self.low && self.low <= self.high && self.high <= most {
            Ok(())
        } else {
            Err(ModelError::Metadata(format!(
                "the λ range of {name} is {} to {}; it must be ascending and within {least} to {most}",
                self.low, self.high
            )))
        }
    }
}

impl From<[f32; 2]> for LambdaRange {
    fn from([low, high]: [f32; 2]) -> Self {
        Self { low, high }
    }
}

impl From<LambdaRange> for [f32; 2] {
    fn from(range: LambdaRange) -> Self {
        [range.low, range.high]
    }
}

/// The λ range of each branch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LambdaRanges {
    /// λ is clamped to this range before it reaches the entropy branch. Never changes within a lineage.
    pub entropy: LambdaRange,
    /// The values that a caller may ask for when encoding.
    pub encoder: LambdaRange,
    /// λ is clamped to this range before it reaches the reconstruction branch.
    pub reconstruction: LambdaRange,
}

impl LambdaRanges {
    /// The same range for all branches, as after pre-training.
    #[must_use]
    pub const fn all(range: LambdaRange) -> Self {
        Self { entropy: range, encoder: range, reconstruction: range }
    }

    /// Checks each range.
    ///
    /// # Errors
    /// [`ModelError::Metadata`] naming the branch.
    pub fn validate(&self) -> Result<(), ModelError> {
        self.entropy.validate("the entropy branch")?;
        self.encoder.validate("the encoder")?;
        self.reconstruction.validate("the reconstruction branch")
    }
}

/// Where a model stands in its lineage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// Follows from spec, λ range and weights of the entropy branch; checked when a model is read.
    pub entropy_id: EntropyId,
    /// 0 after pre-training, one more with every learning.
    pub generation: u32,
    /// Follows from spec, λ ranges and all weights; checked when a model is read.
    pub generation_id: GenerationId,
    /// The generation this one was learned from; none for generation 0.
    pub parent: Option<GenerationId>,
}

/// How the weights came to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provenance {
    /// Hash of the list of training files.
    pub data_manifest: Option<String>,
    /// Training steps.
    pub steps: Option<u64>,
    /// Seed of the run.
    pub seed: Option<u64>,
    /// Revision of the program that trained.
    pub code_revision: Option<String>,
    /// Anything else worth knowing, by name.
    pub notes: BTreeMap<String, String>,
}

/// The JSON in a model file's header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Version of this JSON and of the tensors' names and layouts.
    pub format_version: u32,
    /// Shape of the network.
    pub spec: Spec,
    /// λ ranges per branch.
    pub lambda: LambdaRanges,
    /// Identity.
    pub lineage: Lineage,
    /// Set on models that are not published: files made with them may become undecodable.
    pub preview: bool,
    /// Origin.
    #[serde(default)]
    pub provenance: Provenance,
    /// Licence of the weights, as an SPDX expression.
    pub licence: String,
    /// What was measured when the model was published; none for models that were not compared with an older generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
}

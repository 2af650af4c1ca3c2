//! What a model file says about its weights.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{EntropyId, GenerationId, LambdaRanges, Record, Spec};

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

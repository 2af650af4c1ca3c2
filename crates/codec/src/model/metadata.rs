//! What a model file says about its weights.

use heirloom_format::container::Header;
use serde::{Deserialize, Serialize};

use super::{EncoderHash, EntropyId, GenerationId, LambdaRanges, Provenance, Record, Spec};

/// The place of a model in its lineage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// Follows from spec, λ range and weights of the entropy branch; checked when a model is read.
    pub entropy_id: EntropyId,
    /// 0 after pre-training, one more with every learning.
    pub generation: u32,
    /// Follows from spec, λ ranges and all weights; checked when a model is read.
    pub generation_id: GenerationId,
    /// The generation this one was learned from; `None` for generation 0.
    pub parent: Option<GenerationId>,
}

impl Lineage {
    /// Whether a model with this lineage decodes files with this header: whether its entropy branch
    /// is the one that wrote them.
    #[must_use]
    pub fn reads(&self, header: &Header) -> bool {
        header.entropy_id == self.entropy_id.short()
    }

    /// Whether this very generation wrote files with this header, so that exact decoding gives the
    /// same pixels as on the day they were written.
    #[must_use]
    pub fn wrote(&self, header: &Header) -> bool {
        self.reads(header) && header.generation == self.generation && header.generation_id == self.generation_id.short()
    }
}

/// The JSON document in a model file's header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Version of this document and of the names and layouts of tensors.
    pub format_version: u32,
    /// Shape of the network.
    pub spec: Spec,
    /// λ range of each branch.
    pub lambda: LambdaRanges,
    /// Ids, and the place in the lineage.
    pub lineage: Lineage,
    /// Hash of the encoder, if the file leaves it out: such a model only decodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_encoder: Option<EncoderHash>,
    /// Set on models that are not published: their files may become undecodable.
    pub preview: bool,
    /// How the weights came to be.
    #[serde(default)]
    pub provenance: Provenance,
    /// Licence of the weights, as an SPDX expression.
    pub licence: String,
    /// What was measured when the model was published; `None` for models that were not compared
    /// with an earlier generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
}

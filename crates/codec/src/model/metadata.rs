//! What a model file says about its weights.

use heirloom_format::container::Header;
use serde::{Deserialize, Serialize};

use super::{EncoderHash, EntropyId, GenerationId, LambdaRanges, Provenance, Record, Spec};

/// The place of a model in its lineage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// Follows from spec, λ range and weights of the entropy branch; checked when a model is read.
    pub entropy_id: EntropyId,
    /// The entropy ids of the model's add-ons, in the order in which generations brought them; checked
    /// when a model is read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_ons: Vec<EntropyId>,
    /// 0 after pre-training, one more with every learning.
    pub generation: u32,
    /// Follows from spec, λ ranges and all weights; checked when a model is read.
    pub generation_id: GenerationId,
    /// The generation this one was learned from; `None` for generation 0.
    pub parent: Option<GenerationId>,
}

impl Lineage {
    /// Whether a model with this lineage decodes files with this header: whether its entropy branch,
    /// or one of its add-ons, is the one that wrote them.
    #[must_use]
    pub fn reads(&self, header: &Header) -> bool {
        self.heads_of(header).is_some()
    }

    /// Which heads wrote files with this header: 0 for the entropy branch's own, or the number of an
    /// add-on; `None` if they are none of this model's.
    #[must_use]
    pub fn heads_of(&self, header: &Header) -> Option<usize> {
        self.entropy_ids().position(|id| id.short() == header.entropy_id)
    }

    /// The entropy id of the branch and those of its add-ons.
    pub fn entropy_ids(&self) -> impl Iterator<Item = &EntropyId> {
        std::iter::once(&self.entropy_id).chain(&self.add_ons)
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

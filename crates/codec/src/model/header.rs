//! The header of a model file: metadata, without the weights.

use std::collections::HashMap;

use super::{Branch, Metadata, ModelError, QuantisedWeights, TensorKind};

/// Key of the JSON document in the safetensors header.
pub const METADATA_KEY: &str = "heirloom";
/// Version of the metadata and of the names and layouts of tensors that this crate writes and reads.
/// Version 1, of float weights, was that of preview lineages.
pub const MODEL_FORMAT_VERSION: u32 = 2;
/// Largest header of a safetensors file in bytes, the limit of the format's own library.
const MAX_HEADER: usize = 100_000_000;

impl Metadata {
    /// Number of bytes at the start of a model file that hold its metadata, computed from the first
    /// eight bytes.
    ///
    /// # Errors
    /// Fewer bytes, or a length that no safetensors file may have.
    pub fn bytes_needed(start: &[u8]) -> Result<usize, ModelError> {
        let refused = |why: &str| ModelError::NotAModel(why.to_owned());
        let length = start.first_chunk().ok_or_else(|| refused("it is shorter than eight bytes"))?;
        usize::try_from(u64::from_le_bytes(*length))
            .ok()
            .filter(|&length| length <= MAX_HEADER)
            .map(|length| length + 8)
            .ok_or_else(|| refused("its header is too long"))
    }

    /// Reads the metadata from the first [`Self::bytes_needed`] bytes of a model file, or more.
    /// Neither weights nor ids are checked: this tells what a file claims to be without reading all
    /// of it.
    ///
    /// # Errors
    /// Bytes that are not the beginning of a model file; metadata that
    /// [`ModelFile::from_bytes`](super::ModelFile::from_bytes) would refuse.
    pub fn from_file_start(bytes: &[u8]) -> Result<Self, ModelError> {
        #[derive(serde::Deserialize)]
        struct Header {
            __metadata__: Option<HashMap<String, String>>,
        }
        let end = Self::bytes_needed(bytes)?;
        let header = bytes.get(8..end).ok_or_else(|| ModelError::NotAModel("its header is cut short".to_owned()))?;
        let header: Header =
            serde_json::from_slice(header).map_err(|error| ModelError::NotAModel(error.to_string()))?;
        read_metadata(entry(header.__metadata__.as_ref())?)
    }
}

impl Metadata {
    /// Every tensor of the file, as in [`Spec::quantised_parameters`](super::Spec::quantised_parameters).
    pub(super) fn tensors(&self) -> Vec<(String, Vec<usize>, TensorKind)> {
        let mut tensors = self.spec.quantised_parameters();
        if self.without_encoder.is_some() {
            tensors.retain(|(name, _, _)| !name.starts_with(Branch::Encoder.prefix()));
        }
        tensors.extend((1..=self.lineage.add_ons.len()).flat_map(|number| self.spec.add_on_parameters(number)));
        tensors
    }

    /// Checks that `weights` are exactly the tensors of the file; see [`QuantisedWeights::check`].
    pub(super) fn check(&self, weights: &QuantisedWeights) -> Result<(), ModelError> {
        weights.check_listed(&self.spec, self.tensors())
    }
}

/// The JSON document among the entries of a safetensors header.
pub(super) fn entry(map: Option<&HashMap<String, String>>) -> Result<&String, ModelError> {
    map.and_then(|map| map.get(METADATA_KEY))
        .ok_or_else(|| ModelError::Metadata(format!("there is no entry {METADATA_KEY:?}")))
}

/// Parses and checks the JSON document.
pub(super) fn read_metadata(text: &str) -> Result<Metadata, ModelError> {
    #[derive(serde::Deserialize)]
    struct VersionOnly {
        format_version: u32,
    }
    let unusable = |error: serde_json::Error| ModelError::Metadata(error.to_string());
    // The version comes first: a newer file may have fields that this version does not know.
    let found = serde_json::from_str::<VersionOnly>(text).map_err(unusable)?.format_version;
    if found != MODEL_FORMAT_VERSION {
        return Err(ModelError::Version { found, supported: MODEL_FORMAT_VERSION });
    }
    let metadata: Metadata = serde_json::from_str(text).map_err(unusable)?;
    metadata.spec.validate()?;
    metadata.lambda.validate()?;
    let lineage = &metadata.lineage;
    if (lineage.generation == 0) != lineage.parent.is_none() {
        return Err(ModelError::Metadata(format!(
            "generation {} {} a parent",
            lineage.generation,
            if lineage.parent.is_none() { "must have" } else { "cannot have" }
        )));
    }
    Ok(metadata)
}

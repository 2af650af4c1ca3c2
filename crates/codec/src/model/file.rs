//! Model files: safetensors with one JSON document under the metadata key `heirloom` (`docs/MODEL.md`).

use std::collections::HashMap;

use rayon::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::{EntropyId, GenerationId, LambdaRanges, Lineage, Metadata, ModelError, Provenance, Spec, Tensor, Weights};

/// Key of the JSON document in the safetensors header.
pub const METADATA_KEY: &str = "heirloom";
/// Version of the metadata, and of names and layouts of tensors, that this crate writes; the newest that it reads.
pub const MODEL_FORMAT_VERSION: u32 = 1;
/// Longest header of a safetensors file, in bytes (the limit of the format's own library).
const MAX_HEADER: usize = 100_000_000;

/// A model file's contents, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    /// What the file says about its weights. Its ids are those of the weights.
    pub metadata: Metadata,
    /// All tensors of the spec.
    pub weights: Weights,
}

impl ModelFile {
    /// A generation-0 model (no parent, not a preview, no licence given) with its ids computed. Set the public fields
    /// of the metadata afterwards as needed, or derive a child with [`Self::child`].
    ///
    /// # Errors
    /// An invalid spec or range, or weights that are not those of the spec.
    pub fn new(spec: Spec, lambda: LambdaRanges, weights: Weights) -> Result<Self, ModelError> {
        spec.validate()?;
        lambda.validate()?;
        weights.check(&spec)?;
        let lineage = Lineage {
            entropy_id: EntropyId::of(&spec, lambda.entropy, &weights),
            generation: 0,
            generation_id: GenerationId::of(&spec, &lambda, &weights),
            parent: None,
        };
        let metadata = Metadata {
            format_version: MODEL_FORMAT_VERSION,
            spec,
            lambda,
            lineage,
            preview: false,
            provenance: Provenance::default(),
            licence: String::new(),
            record: None,
        };
        Ok(Self { metadata, weights })
    }

    /// The next generation, learned from this one: same spec and entropy branch, other weights, perhaps other λ ranges
    /// of encoder and reconstruction.
    ///
    /// # Errors
    /// Weights that are not those of the spec; or weights or ranges that change the entropy id, which would make the
    /// lineage's files undecodable.
    pub fn child(&self, lambda: LambdaRanges, weights: Weights) -> Result<Self, ModelError> {
        let mut next = Self::new(self.metadata.spec.clone(), lambda, weights)?;
        let (old, new) = (&self.metadata.lineage, &mut next.metadata.lineage);
        if new.entropy_id != old.entropy_id {
            return Err(ModelError::Identity {
                which: "entropy",
                stated: old.entropy_id.to_string(),
                computed: new.entropy_id.to_string(),
            });
        }
        new.generation = old.generation.saturating_add(1);
        new.parent = Some(old.generation_id);
        next.metadata.licence.clone_from(&self.metadata.licence);
        Ok(next)
    }

    /// Reads and checks a model file: metadata, spec, every tensor's name, type, shape and values, and both ids.
    ///
    /// Memory: at most four bytes per weight beside `bytes`, and never more than twice the length of `bytes`.
    ///
    /// # Errors
    /// Anything missing, extra or inconsistent, by name.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let file = Self::from_bytes_without_ids(bytes)?;
        file.check_ids()?;
        Ok(file)
    }

    /// As [`Self::from_bytes`], but for the ids, which are what the file states: for bytes that are known to be sound, and for
    /// tools that tell *what* was altered in a file. Nothing else may be decoded with the result.
    ///
    /// # Errors
    /// As [`Self::from_bytes`], without those of the ids.
    pub fn from_bytes_without_ids(bytes: &[u8]) -> Result<Self, ModelError> {
        let not_a_model = |error: safetensors::SafeTensorError| ModelError::NotAModel(error.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_a_model)?;
        let metadata = read_metadata(entry(header.metadata().as_ref())?)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(not_a_model)?;

        let read = |(name, shape): (String, Vec<usize>)| {
            let view = tensors.tensor(&name).map_err(|_| ModelError::Missing(name.clone()))?;
            if view.shape() != shape {
                return Err(ModelError::Shape { name, found: view.shape().to_vec(), expected: shape });
            }
            let data = widen(&name, &view)?;
            Ok((name, Tensor { shape, data }))
        };
        // All of them, so that the first defect in their order is told.
        let read: Vec<_> = metadata.spec.parameters().into_par_iter().map(read).collect();
        let mut weights = Weights::default();
        for tensor in read {
            let (name, tensor) = tensor?;
            weights.insert(name, tensor);
        }
        if let Some(extra) = tensors.names().into_iter().find(|name| weights.get(name).is_none()) {
            return Err(ModelError::Extra(extra.to_owned()));
        }
        weights.check(&metadata.spec)?;
        Ok(Self { metadata, weights })
    }

    /// Writes the model. A tensor whose every value is a bf16 is stored as BF16, any other as F32, so nothing is ever
    /// lost; round with [`Weights::rounded_to_bf16`] before [`Self::new`] to get the small form. The same model always
    /// gives the same bytes.
    ///
    /// # Errors
    /// Weights that are not those of the metadata's spec and ids.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        self.weights.check(&self.metadata.spec)?;
        self.check_ids()?;
        let text = serde_json::to_string(&self.metadata).map_err(|error| ModelError::Metadata(error.to_string()))?;
        let stored: Vec<(&str, Dtype, &[usize], Vec<u8>)> = self
            .weights
            .iter()
            .map(|(name, tensor)| {
                let (dtype, bytes) = narrow(&tensor.data);
                (name, dtype, tensor.shape.as_slice(), bytes)
            })
            .collect();
        let internal = |error: safetensors::SafeTensorError| ModelError::NotAModel(error.to_string());
        let views = stored
            .iter()
            .map(|(name, dtype, shape, bytes)| Ok((*name, TensorView::new(*dtype, shape.to_vec(), bytes)?)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(internal)?;
        let header = HashMap::from([(METADATA_KEY.to_owned(), text)]);
        safetensors::serialize(views, Some(header)).map_err(internal)
    }

    /// Checks that the ids are those of the weights.
    ///
    /// # Errors
    /// [`ModelError::Identity`] for the entropy id first, then the generation id.
    pub fn check_ids(&self) -> Result<(), ModelError> {
        let Metadata { spec, lambda, lineage, .. } = &self.metadata;
        let (entropy, generation) = rayon::join(
            || EntropyId::of(spec, lambda.entropy, &self.weights),
            || GenerationId::of(spec, lambda, &self.weights),
        );
        if entropy != lineage.entropy_id {
            return Err(ModelError::Identity {
                which: "entropy",
                stated: lineage.entropy_id.to_string(),
                computed: entropy.to_string(),
            });
        }
        if generation != lineage.generation_id {
            return Err(ModelError::Identity {
                which: "generation",
                stated: lineage.generation_id.to_string(),
                computed: generation.to_string(),
            });
        }
        Ok(())
    }
}

impl Metadata {
    /// How many bytes of a model file hold its metadata, from its first eight bytes.
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

    /// Reads the metadata from the first [`Self::bytes_needed`] bytes of a model file, or more. Neither weights nor ids are
    /// checked: this tells what a file claims to be, without reading all of it.
    ///
    /// # Errors
    /// Bytes that are no beginning of a model file; metadata that [`ModelFile::from_bytes`] would refuse.
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

/// The JSON document in a safetensors header.
fn entry(map: Option<&HashMap<String, String>>) -> Result<&String, ModelError> {
    map.and_then(|map| map.get(METADATA_KEY))
        .ok_or_else(|| ModelError::Metadata(format!("there is no entry {METADATA_KEY:?}")))
}

fn read_metadata(text: &str) -> Result<Metadata, ModelError> {
    #[derive(serde::Deserialize)]
    struct VersionOnly {
        format_version: u32,
    }
    let unusable = |error: serde_json::Error| ModelError::Metadata(error.to_string());
    // A newer file may have fields that this version does not know: look at the version first.
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

fn widen(name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, ModelError> {
    match view.dtype() {
        Dtype::F32 => Ok(view
            .data()
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            .collect()),
        Dtype::BF16 => {
            Ok(view.data().chunks_exact(2).map(|bytes| f32::from_le_bytes([0, 0, bytes[0], bytes[1]])).collect())
        }
        other => Err(ModelError::Type { name: name.to_owned(), found: format!("{other:?}") }),
    }
}

/// The smallest storage that keeps every bit.
fn narrow(values: &[f32]) -> (Dtype, Vec<u8>) {
    if values.iter().all(|value| value.to_bits() & 0xffff == 0) {
        (Dtype::BF16, values.iter().flat_map(|value| ((value.to_bits() >> 16) as u16).to_le_bytes()).collect())
    } else {
        (Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }
}

//! Model files: safetensors with one JSON document in the header (`docs/MODEL.md`).

use std::collections::HashMap;

use rayon::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::header::{METADATA_KEY, MODEL_FORMAT_VERSION, entry, read_metadata};
use super::{EntropyId, GenerationId, LambdaRanges, Lineage, Metadata, ModelError, Provenance, Spec, Tensor, Weights};

/// The contents of a model file.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    /// What the file says about its weights. The ids are those of the weights.
    pub metadata: Metadata,
    /// All tensors of the spec.
    pub weights: Weights,
}

impl ModelFile {
    /// Makes a model of generation 0, without parent, licence or provenance, and computes its ids.
    /// Set the public fields of the metadata afterwards as needed, or derive a child with
    /// [`Self::child`].
    ///
    /// # Errors
    /// An invalid spec or range, or weights that do not fit the spec.
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

    /// Makes the next generation, learned from this one: same spec and entropy branch, other
    /// weights of encoder and reconstruction branch, and perhaps other λ ranges of these two.
    ///
    /// # Errors
    /// Weights that do not fit the spec; or weights or ranges that change the entropy id, which
    /// would make the files of the lineage undecodable.
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

    /// Reads and checks a model file: metadata, spec, every tensor's name, type, shape and values,
    /// and both ids.
    ///
    /// Takes at most four bytes of memory per weight besides `bytes`, and never more than twice the
    /// length of `bytes`.
    ///
    /// # Errors
    /// Anything missing, extra or inconsistent, by name.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let file = Self::from_bytes_without_ids(bytes)?;
        file.check_ids()?;
        Ok(file)
    }

    /// Reads a model file like [`Self::from_bytes`], without checking the ids. For bytes that are
    /// known to be sound, and for tools that tell *what* was altered in a file; nothing else may be
    /// decoded with the result.
    ///
    /// # Errors
    /// See [`Self::from_bytes`]; differing ids are not an error.
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
        // All are read before the first error is returned, so that the error does not depend on
        // threads.
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

    /// Writes the model. A tensor is stored as BF16 if that loses nothing, else as F32; round with
    /// [`Weights::rounded_to_bf16`] before [`Self::new`] for the small form. The same model always
    /// gives the same bytes.
    ///
    /// # Errors
    /// Weights that do not fit the metadata's spec and ids.
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

/// The bytes of values in the smallest type that keeps every bit.
fn narrow(values: &[f32]) -> (Dtype, Vec<u8>) {
    if values.iter().all(|value| value.to_bits() & 0xffff == 0) {
        (Dtype::BF16, values.iter().flat_map(|value| ((value.to_bits() >> 16) as u16).to_le_bytes()).collect())
    } else {
        (Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }
}

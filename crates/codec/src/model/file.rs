//! Model files: safetensors with one JSON document in the header (`docs/MODEL.md`).

use std::collections::HashMap;

use rayon::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::add_on::MAX_ADD_ONS;
use super::header::{METADATA_KEY, MODEL_FORMAT_VERSION, entry, read_metadata};
use super::thumbnail::is_thumbnail;
use super::{
    Branch, EncoderHash, EntropyId, GenerationId, LambdaRanges, Lineage, Metadata, ModelError, Provenance,
    QuantisedTensor, QuantisedWeights, Spec, Values,
};

/// The contents of a model file.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    /// What the file says about its weights. The ids are those of the weights.
    pub metadata: Metadata,
    /// All tensors of the spec.
    pub weights: QuantisedWeights,
}

impl ModelFile {
    /// Makes a model of generation 0, without parent, licence or provenance, and computes its ids.
    /// Set the public fields of the metadata afterwards as needed, or derive a child with
    /// [`Self::child`].
    ///
    /// # Errors
    /// An invalid spec or range, or weights that do not fit the spec.
    pub fn new(spec: Spec, lambda: LambdaRanges, weights: QuantisedWeights) -> Result<Self, ModelError> {
        spec.validate()?;
        lambda.validate()?;
        weights.check(&spec)?;
        let lineage = Lineage {
            entropy_id: EntropyId::of(&spec, lambda.entropy, &weights),
            add_ons: EntropyId::of_add_ons(&spec, lambda.entropy, &weights),
            generation: 0,
            generation_id: GenerationId::of(&spec, &lambda, &weights),
            parent: None,
        };
        let metadata = Metadata {
            format_version: MODEL_FORMAT_VERSION,
            spec,
            lambda,
            lineage,
            without_encoder: None,
            preview: false,
            provenance: Provenance::default(),
            licence: String::new(),
            record: None,
        };
        Ok(Self { metadata, weights })
    }

    /// Makes the next generation, learned from this one: same spec and entropy branch, other
    /// weights of encoder and reconstruction branch, and perhaps other λ ranges of these two. A
    /// thumbnail head is passed on, unless the weights have another, and so are add-ons, unless the
    /// weights have some: then these are this generation's and perhaps more.
    ///
    /// # Errors
    /// Weights that do not fit the spec; or weights or ranges that change the entropy id or the id of
    /// an add-on, which would make files of the lineage undecodable.
    pub fn child(&self, lambda: LambdaRanges, weights: QuantisedWeights) -> Result<Self, ModelError> {
        self.grown_child(self.metadata.spec.clone(), lambda, weights)
    }

    /// Makes the next generation with more blocks or a linear path in encoder and reconstruction branch;
    /// see [`Self::child`].
    ///
    /// # Errors
    /// Those of [`Self::child`], and a spec of another entropy branch.
    pub fn grown_child(
        &self,
        spec: Spec,
        lambda: LambdaRanges,
        mut weights: QuantisedWeights,
    ) -> Result<Self, ModelError> {
        if !weights.has_thumbnail() {
            weights.take_thumbnail(&self.weights);
        }
        if weights.add_ons() == 0 {
            weights.take_add_ons(&self.weights);
        }
        let mut next = Self::new(spec, lambda, weights)?;
        let (old, new) = (&self.metadata.lineage, &mut next.metadata.lineage);
        if new.entropy_id != old.entropy_id {
            return Err(differing("entropy", &old.entropy_id, &new.entropy_id));
        }
        check_add_ons(&old.add_ons, new.add_ons.get(..old.add_ons.len()).unwrap_or(&new.add_ons))?;
        new.generation = old.generation.saturating_add(1);
        new.parent = Some(old.generation_id);
        next.metadata.licence.clone_from(&self.metadata.licence);
        Ok(next)
    }

    /// The same model with other weights: its ids are computed anew.
    ///
    /// # Errors
    /// Weights that do not fit the spec.
    pub(crate) fn with_weights(self, weights: QuantisedWeights) -> Result<Self, ModelError> {
        let Metadata { spec, lambda, .. } = &self.metadata;
        let mut metadata = self.metadata.clone();
        metadata.lineage = Self::new(spec.clone(), *lambda, weights.clone())?.metadata.lineage;
        metadata.lineage.generation = self.metadata.lineage.generation;
        metadata.lineage.parent = self.metadata.lineage.parent;
        Ok(Self { metadata, weights })
    }

    /// The same model without its encoder: about half as large, and able to decode only. It has the
    /// same ids.
    #[must_use]
    pub fn without_encoder(&self) -> Self {
        let mut metadata = self.metadata.clone();
        metadata.without_encoder.get_or_insert_with(|| EncoderHash::of(&self.weights));
        let mut weights = self.weights.clone();
        weights.take_branch(Branch::Encoder, &QuantisedWeights::default());
        Self { metadata, weights }
    }

    /// Reads and checks a model file: metadata, spec, every tensor's name, type, shape and values,
    /// and both ids.
    ///
    /// Takes as much memory as `bytes` besides them.
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
        Self::read(bytes, &Branch::ALL)
    }

    /// Reads a model file like [`Self::from_bytes_without_ids`], but not its encoder, which is half of
    /// it. The result only decodes, and cannot be written.
    ///
    /// # Errors
    /// See [`Self::from_bytes_without_ids`].
    pub fn decoder_from_bytes_without_ids(bytes: &[u8]) -> Result<Self, ModelError> {
        Self::read(bytes, &[Branch::Entropy, Branch::Reconstruction])
    }

    fn read(bytes: &[u8], branches: &[Branch]) -> Result<Self, ModelError> {
        let wanted = |name: &str| Branch::of_tensor(name).is_none_or(|branch| branches.contains(&branch));
        let not_a_model = |error: safetensors::SafeTensorError| ModelError::NotAModel(error.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_a_model)?;
        let metadata = read_metadata(entry(header.metadata().as_ref())?)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(not_a_model)?;

        let read = |(name, shape, _): (String, Vec<usize>, _)| {
            let view = tensors.tensor(&name).map_err(|_| ModelError::Missing(name.clone()))?;
            if view.shape() != shape {
                return Err(ModelError::Shape { name, found: view.shape().to_vec(), expected: shape });
            }
            let values = values(&name, &view)?;
            Ok((name, QuantisedTensor { shape, values }))
        };
        // All are read before the first error is returned, so that the error does not depend on
        // threads.
        let add_ons = metadata.lineage.add_ons.len();
        if add_ons > MAX_ADD_ONS {
            return Err(ModelError::Metadata(format!("it names {add_ons} add-ons, allowed are {MAX_ADD_ONS}")));
        }
        let mut expected = metadata.tensors();
        expected.retain(|(name, _, _)| wanted(name));
        let mut listed = expected.clone();
        if tensors.names().into_iter().any(is_thumbnail) {
            listed.extend(metadata.spec.thumbnail_parameters());
        }
        let read: Vec<_> = listed.into_par_iter().map(read).collect();
        let mut weights = QuantisedWeights::default();
        for tensor in read {
            let (name, tensor) = tensor?;
            weights.insert(name, tensor);
        }
        if let Some(extra) = tensors.names().into_iter().find(|name| wanted(name) && weights.get(name).is_none()) {
            return Err(ModelError::Extra(extra.to_owned()));
        }
        weights.check_listed(&metadata.spec, expected)?;
        Ok(Self { metadata, weights })
    }

    /// Writes the model. The same model always gives the same bytes.
    ///
    /// # Errors
    /// Weights that do not fit the metadata's spec and ids.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        self.metadata.check(&self.weights)?;
        self.check_ids()?;
        let text = serde_json::to_string(&self.metadata).map_err(|error| ModelError::Metadata(error.to_string()))?;
        let stored: Vec<(&str, Dtype, &[usize], Vec<u8>)> = self
            .weights
            .iter()
            .map(|(name, tensor)| {
                let dtype = match tensor.values {
                    Values::Integers(_) => Dtype::I8,
                    Values::Floats(_) => Dtype::F32,
                };
                (name, dtype, tensor.shape.as_slice(), tensor.values.to_bytes())
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
        let Metadata { spec, lambda, lineage, without_encoder, .. } = &self.metadata;
        let ((entropy, add_ons), generation) = rayon::join(
            || {
                let (spec, range) = (spec, lambda.entropy);
                (EntropyId::of(spec, range, &self.weights), EntropyId::of_add_ons(spec, range, &self.weights))
            },
            || match without_encoder {
                Some(encoder) => GenerationId::with_encoder(*encoder, spec, lambda, &self.weights),
                None => GenerationId::of(spec, lambda, &self.weights),
            },
        );
        if entropy != lineage.entropy_id {
            return Err(differing("entropy", &lineage.entropy_id, &entropy));
        }
        check_add_ons(&lineage.add_ons, &add_ons)?;
        if generation != lineage.generation_id {
            return Err(differing("generation", &lineage.generation_id, &generation));
        }
        Ok(())
    }
}

/// Checks that the entropy ids of add-ons are the stated ones.
fn check_add_ons(stated: &[EntropyId], computed: &[EntropyId]) -> Result<(), ModelError> {
    if stated.len() != computed.len() {
        let (stated, computed) = (stated.len(), computed.len());
        return Err(ModelError::Metadata(format!("there are {computed} add-ons, but {stated} are stated")));
    }
    match stated.iter().zip(computed).find(|(stated, computed)| stated != computed) {
        Some((stated, computed)) => Err(differing("add-on's entropy", stated, computed)),
        None => Ok(()),
    }
}

fn differing(which: &'static str, stated: &impl ToString, computed: &impl ToString) -> ModelError {
    ModelError::Identity { which, stated: stated.to_string(), computed: computed.to_string() }
}

fn values(name: &str, view: &TensorView<'_>) -> Result<Values, ModelError> {
    match view.dtype() {
        Dtype::F32 => {
            let floats = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            Ok(Values::Floats(floats.collect()))
        }
        Dtype::I8 => Ok(Values::Integers(view.data().iter().map(|byte| byte.cast_signed()).collect())),
        other => Err(ModelError::Type { name: name.to_owned(), found: format!("{other:?}") }),
    }
}

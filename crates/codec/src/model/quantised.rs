//! The tensors of a model file: weights as integers, and the numbers that give them a scale.

use std::collections::BTreeMap;

use heirloom_kernels::Bits;

use super::weights::not_finite;
use super::{Branch, ModelError, Spec};

/// The values of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Weights of a product, within ±127.
    Integers(Vec<i8>),
    /// Gains, biases and everything else.
    Floats(Vec<f32>),
}

impl Values {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Name of the type in a model file.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Integers(_) => "I8",
            Self::Floats(_) => "F32",
        }
    }

    /// The value at a position, as text for messages.
    #[must_use]
    pub fn show(&self, index: usize) -> String {
        match self {
            Self::Integers(values) => values.get(index).map_or_else(String::new, ToString::to_string),
            Self::Floats(values) => {
                values.get(index).map_or_else(String::new, |value| format!("{value:?} (bits {:08x})", value.to_bits()))
            }
        }
    }

    /// The bytes of all values, little endian.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Integers(values) => values.iter().map(|value| value.cast_unsigned()).collect(),
            Self::Floats(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }
}

/// A tensor with row-major values.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedTensor {
    /// Extent of each axis.
    pub shape: Vec<usize>,
    /// The values, as many as the product of the shape, last axis fastest.
    pub values: Values,
}

/// The tensors of a model file by name, in the order of the names' bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantisedWeights {
    tensors: BTreeMap<String, QuantisedTensor>,
}

/// What a tensor of a model file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorKind {
    /// Integer weights of a product.
    Weight,
    /// Multiplier and limit of a product's input.
    Input,
    /// Other floats.
    Float,
}

impl Spec {
    /// Every tensor of a model file, as name, shape and kind, in the order of the network's layers.
    /// Empty for a spec that [`Self::validate`] refuses.
    ///
    /// Each product X of [`Self::parameters`] has the tensors `X.weight`, `X.gain`, `X.bias` and
    /// `X.input`. The layer scale of a block is part of the gains and biases of its last product.
    #[must_use]
    pub fn quantised_parameters(&self) -> Vec<(String, Vec<usize>, TensorKind)> {
        let mut listed = Vec::new();
        for (name, shape) in self.parameters() {
            if let Some(product) = name.strip_suffix(".weight") {
                let columns = shape.last().copied().unwrap_or(0);
                listed.push((name.clone(), shape, TensorKind::Weight));
                listed.push((format!("{product}.gain"), vec![columns], TensorKind::Float));
                listed.push((format!("{product}.input"), vec![2], TensorKind::Input));
            } else if !name.ends_with(".layer_scale") {
                listed.push((name, shape, TensorKind::Float));
            }
        }
        listed
    }
}

impl QuantisedWeights {
    /// Adds a tensor, replacing one of the same name.
    pub fn insert(&mut self, name: String, tensor: QuantisedTensor) {
        self.tensors.insert(name, tensor);
    }

    /// The tensor called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&QuantisedTensor> {
        self.tensors.get(name)
    }

    /// The tensor called `name`, to be changed.
    #[must_use]
    pub fn get_mut(&mut self, name: &str) -> Option<&mut QuantisedTensor> {
        self.tensors.get_mut(name)
    }

    /// The floats of the tensor called `name`, if it has any.
    #[must_use]
    pub fn floats(&self, name: &str) -> Option<&[f32]> {
        match &self.tensors.get(name)?.values {
            Values::Floats(values) => Some(values),
            Values::Integers(_) => None,
        }
    }

    /// The floats of the tensor called `name`, to be changed.
    #[must_use]
    pub fn floats_mut(&mut self, name: &str) -> Option<&mut [f32]> {
        match &mut self.tensors.get_mut(name)?.values {
            Values::Floats(values) => Some(values),
            Values::Integers(_) => None,
        }
    }

    /// The integers of the tensor called `name`, if it has any.
    #[must_use]
    pub fn integers(&self, name: &str) -> Option<&[i8]> {
        match &self.tensors.get(name)?.values {
            Values::Integers(values) => Some(values),
            Values::Floats(_) => None,
        }
    }

    /// Multiplier and width of the input of a product; see [`heirloom_kernels::Input`].
    #[must_use]
    pub fn input(&self, product: &str) -> Option<(f32, Bits)> {
        let &[multiplier, limit] = self.floats(&format!("{product}.input"))? else { return None };
        let bits = [Bits::Eight, Bits::Sixteen].into_iter().find(|bits| bits.limit() as f32 == limit)?;
        Some((multiplier, bits))
    }

    /// All tensors in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &QuantisedTensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The tensors of a branch in the order of their names.
    pub fn branch(&self, branch: Branch) -> impl Iterator<Item = (&str, &QuantisedTensor)> {
        self.iter().filter(move |(name, _)| name.starts_with(branch.prefix()))
    }

    /// Replaces the tensors of a branch by those of another model.
    pub fn take_branch(&mut self, branch: Branch, from: &Self) {
        self.tensors.retain(|name, _| !name.starts_with(branch.prefix()));
        self.tensors.extend(from.branch(branch).map(|(name, tensor)| (name.to_owned(), tensor.clone())));
    }

    /// Keeps the tensors whose names `keep` accepts.
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.tensors.retain(|name, _| keep(name));
    }

    /// Number of tensors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Whether there are no tensors.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// Checks that these are exactly the tensors of `spec`, perhaps with those of a thumbnail head and of
    /// add-ons, with the right types and shapes, finite values, usable inputs, and sums that cannot
    /// exceed 32 bits.
    ///
    /// # Errors
    /// An invalid spec, or the first tensor that is missing, extra, misshapen or unusable.
    pub fn check(&self, spec: &Spec) -> Result<(), ModelError> {
        let add_ons = (1..=self.add_ons()).flat_map(|number| spec.add_on_parameters(number));
        self.check_listed(spec, spec.quantised_parameters().into_iter().chain(add_ons).collect())
    }

    /// Checks that these are exactly the listed tensors of `spec`; see [`Self::check`].
    pub(super) fn check_listed(
        &self,
        spec: &Spec,
        mut expected: Vec<(String, Vec<usize>, TensorKind)>,
    ) -> Result<(), ModelError> {
        spec.validate()?;
        if self.has_thumbnail() {
            expected.extend(spec.thumbnail_parameters());
        }
        for (name, shape, kind) in &expected {
            self.check_tensor(name, shape, *kind)?;
        }
        if self.len() > expected.len() {
            let known: std::collections::BTreeSet<&str> = expected.iter().map(|(name, _, _)| name.as_str()).collect();
            if let Some(extra) = self.tensors.keys().find(|name| !known.contains(name.as_str())) {
                return Err(ModelError::Extra(extra.clone()));
            }
        }
        Ok(())
    }

    fn check_tensor(&self, name: &str, shape: &[usize], kind: TensorKind) -> Result<(), ModelError> {
        let tensor = self.get(name).ok_or_else(|| ModelError::Missing(name.to_owned()))?;
        if tensor.shape != shape || tensor.values.len() != shape.iter().product::<usize>() {
            let (found, expected) = (tensor.shape.clone(), shape.to_vec());
            return Err(ModelError::Shape { name: name.to_owned(), found, expected });
        }
        match (&tensor.values, kind) {
            (Values::Integers(values), TensorKind::Weight) => self.check_weight(name, values),
            (Values::Floats(values), TensorKind::Float | TensorKind::Input) => match not_finite(values) {
                Some(index) => Err(ModelError::NotFinite { name: name.to_owned(), index }),
                None => Ok(()),
            },
            (values, _) => Err(ModelError::Type { name: name.to_owned(), found: values.type_name().to_owned() }),
        }
    }

    /// Checks a product's weights together with its input.
    fn check_weight(&self, name: &str, values: &[i8]) -> Result<(), ModelError> {
        let product = name.trim_end_matches(".weight");
        let input = format!("{product}.input");
        let unusable = |why: &str| ModelError::Unusable { name: input.clone(), why: why.to_owned() };
        let (multiplier, bits) =
            self.input(product).ok_or_else(|| unusable("its limit is neither 127 nor 32767, or it is missing"))?;
        if !(multiplier.is_finite() && multiplier > 0.0) {
            return Err(unusable("its multiplier is not a number above 0"));
        }
        let columns = self.get(name).and_then(|tensor| tensor.shape.last().copied()).unwrap_or(0).max(1);
        match heirloom_kernels::integer::overflowing_column(values, columns, bits) {
            Some(column) => Err(ModelError::Unusable {
                name: name.to_owned(),
                why: format!("the sum of column {column} can exceed 32 bits"),
            }),
            None => Ok(()),
        }
    }
}

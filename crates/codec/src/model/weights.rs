//! The weights of learning, in floats, by name.

use std::collections::BTreeMap;

use super::{ModelError, Spec};

/// A tensor with row-major values.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Extent of each axis.
    pub shape: Vec<usize>,
    /// The values, as many as the product of the shape, last axis fastest.
    pub data: Vec<f32>,
}

/// The weights of a network by name, in the order of the names' bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    tensors: BTreeMap<String, Tensor>,
}

impl Weights {
    /// Adds a tensor, replacing one of the same name.
    pub fn insert(&mut self, name: String, tensor: Tensor) {
        self.tensors.insert(name, tensor);
    }

    /// The tensor called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// Removes and returns the tensor called `name`.
    pub fn remove(&mut self, name: &str) -> Option<Tensor> {
        self.tensors.remove(name)
    }

    /// All tensors in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
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

    /// Checks that these are exactly the tensors of `spec`, with the right shapes and finite
    /// values.
    ///
    /// # Errors
    /// An invalid spec, or the first tensor that is missing, extra, misshapen, or not finite.
    pub fn check(&self, spec: &Spec) -> Result<(), ModelError> {
        spec.validate()?;
        let expected: BTreeMap<_, _> = spec.parameters().into_iter().collect();
        for (name, shape) in &expected {
            let tensor = self.get(name).ok_or_else(|| ModelError::Missing(name.clone()))?;
            if &tensor.shape != shape || tensor.data.len() != shape.iter().product::<usize>() {
                return Err(ModelError::Shape {
                    name: name.clone(),
                    found: tensor.shape.clone(),
                    expected: shape.clone(),
                });
            }
            if let Some(index) = not_finite(&tensor.data) {
                return Err(ModelError::NotFinite { name: name.clone(), index });
            }
        }
        match self.tensors.keys().find(|name| !expected.contains_key(*name)) {
            Some(extra) => Err(ModelError::Extra(extra.clone())),
            None => Ok(()),
        }
    }
}

/// Position of the first infinity or NaN. Whole stretches are tested without branches, so that the
/// compiler can vectorise the test.
pub(super) fn not_finite(values: &[f32]) -> Option<usize> {
    const STRETCH: usize = 1024;
    let any = |values: &[f32]| values.iter().fold(0, |any, value| any | u32::from(!value.is_finite())) != 0;
    let stretch = values.chunks(STRETCH).position(any)?;
    let first = stretch * STRETCH;
    values[first..].iter().position(|value| !value.is_finite()).map(|index| first + index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_not_finite_is_found_where_it_is() {
        let mut values = vec![f32::MIN_POSITIVE; 3000];
        values[7] = f32::MAX;
        values[2999] = -f32::MAX;
        assert_eq!(not_finite(&values), None);
        for (place, bad) in [(2999, f32::NAN), (1024, -f32::INFINITY), (1023, f32::INFINITY), (0, -f32::NAN)] {
            values[place] = bad;
            assert_eq!(not_finite(&values), Some(place));
        }
        assert_eq!(not_finite(&[]), None);
    }
}

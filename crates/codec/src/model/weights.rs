//! Tensors by name.

use std::collections::BTreeMap;

use super::{Branch, ModelError, Spec};

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

    /// The tensors of a branch in the order of their names.
    pub fn branch(&self, branch: Branch) -> impl Iterator<Item = (&str, &Tensor)> {
        self.iter().filter(move |(name, _)| name.starts_with(branch.prefix()))
    }

    /// Splits the weights into those of encoder, entropy branch and reconstruction branch.
    pub(crate) fn into_branches(mut self) -> [Self; 3] {
        // `Branch::ALL` is in the order of names.
        let mut entropy = Self { tensors: self.tensors.split_off(Branch::Entropy.prefix()) };
        let reconstruction = Self { tensors: entropy.tensors.split_off(Branch::Reconstruction.prefix()) };
        [self, entropy, reconstruction]
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

    /// Rounds each weight to the nearest bf16 (ties to even), so that a model file stores it in two
    /// bytes. The result is another network with other ids. Values beyond the range of bf16
    /// saturate.
    #[must_use]
    pub fn rounded_to_bf16(&self) -> Self {
        let tensors = self
            .tensors
            .iter()
            .map(|(name, tensor)| {
                let data = tensor.data.iter().map(|&value| round_to_bf16(value)).collect();
                (name.clone(), Tensor { shape: tensor.shape.clone(), data })
            })
            .collect();
        Self { tensors }
    }
}

/// Position of the first infinity or NaN. Whole stretches are tested without branches, so that the
/// compiler can vectorise the test.
fn not_finite(values: &[f32]) -> Option<usize> {
    const STRETCH: usize = 1024;
    let any = |values: &[f32]| values.iter().fold(0, |any, value| any | u32::from(!value.is_finite())) != 0;
    let stretch = values.chunks(STRETCH).position(any)?;
    let first = stretch * STRETCH;
    values[first..].iter().position(|value| !value.is_finite()).map(|index| first + index)
}

/// Rounds a finite `f32` to the nearest bf16, ties to even, saturating; returns it as `f32`.
fn round_to_bf16(value: f32) -> f32 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) & 0xffff_0000;
    let result = f32::from_bits(rounded);
    if value.is_finite() && !result.is_finite() { f32::from_bits(bits & 0xffff_0000) } else { result }
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

    #[test]
    fn bf16_rounds_to_nearest_even() {
        assert_eq!(round_to_bf16(1.0), 1.0);
        let step = 2f32.powi(-7);
        assert_eq!(round_to_bf16(1.0 + step / 2.0), 1.0); // tie, even below
        assert_eq!(round_to_bf16(1.0 + 1.5 * step), 1.0 + 2.0 * step); // tie, even above
        assert_eq!(round_to_bf16(-1.0 - 0.51 * step), -1.0 - step);
        assert!(round_to_bf16(f32::MAX).is_finite());
    }
}

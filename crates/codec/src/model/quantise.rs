//! From the weights of learning to those of a model file, and back.

use std::collections::BTreeMap;

use heirloom_kernels::Bits;

use super::quantised::{QuantisedTensor, QuantisedWeights, Values};
use super::{ModelError, Spec, Tensor, Weights};

/// How much larger than anything seen in a calibration an input may be before it is limited. Noise
/// and artificial images exceed photographs by up to 3.4.
pub const MARGIN: f32 = 4.0;

/// The largest magnitude of each product's input, by the name of the product: what a calibration
/// found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranges {
    largest: BTreeMap<String, f32>,
}

impl Ranges {
    /// The same magnitude for every product of a network.
    #[must_use]
    pub fn uniform(spec: &Spec, largest: f32) -> Self {
        let products = spec.parameters().into_iter();
        let names = products.filter_map(|(name, _)| Some(name.strip_suffix(".weight")?.to_owned()));
        Self { largest: names.map(|name| (name, largest)).collect() }
    }

    /// The magnitude of a product's input.
    #[must_use]
    pub fn get(&self, product: &str) -> Option<f32> {
        self.largest.get(product).copied()
    }

    /// Sets the magnitude of a product's input.
    pub fn set(&mut self, product: &str, largest: f32) {
        self.largest.insert(product.to_owned(), largest);
    }

    /// All products and magnitudes, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f32)> {
        self.largest.iter().map(|(name, largest)| (name.as_str(), *largest))
    }
}

impl QuantisedWeights {
    /// Rounds weights to 8 bits, with a scale for each output of a product, and inputs to 16 bits
    /// in steps that reach [`MARGIN`] times as far as `ranges`. The layer scale of each block goes
    /// into its last product.
    ///
    /// # Errors
    /// Weights that do not fit the spec, or a product without a range.
    pub fn from_floats(spec: &Spec, weights: &Weights, ranges: &Ranges) -> Result<Self, ModelError> {
        weights.check(spec)?;
        let mut out = Self::default();
        for (name, shape) in spec.parameters() {
            let tensor = weights.get(&name).ok_or_else(|| ModelError::Missing(name.clone()))?;
            if let Some(product) = name.strip_suffix(".weight") {
                let largest = ranges.get(product).ok_or_else(|| ModelError::Missing(format!("{product}.input")))?;
                let block_scale = product.strip_suffix(".project").map(|block| format!("{block}.layer_scale"));
                let output_scale = block_scale.and_then(|name| weights.get(&name)).map(|tensor| tensor.data.as_slice());
                let bias = weights.get(&format!("{product}.bias")).map(|tensor| tensor.data.as_slice());
                out.add_product(product, tensor, bias, output_scale, largest);
            } else if !name.ends_with(".layer_scale") && out.get(&name).is_none() {
                out.insert(name, QuantisedTensor { shape, values: Values::Floats(tensor.data.clone()) });
            }
        }
        out.check(spec)?;
        Ok(out)
    }

    /// Rounds the weights of a product; see [`Self::from_floats`].
    pub(crate) fn add_product(
        &mut self,
        product: &str,
        weight: &Tensor,
        bias: Option<&[f32]>,
        output_scale: Option<&[f32]>,
        largest: f32,
    ) {
        let columns = weight.shape.last().copied().unwrap_or(1).max(1);
        let limit = Bits::Sixteen.limit() as f32;
        // Inputs that are always zero get any step.
        let multiplier = limit / (MARGIN * if largest > 1e-6 { largest } else { 1.0 });
        let steps = weight_steps(&weight.data, columns);
        let integers = weight.data.chunks_exact(columns).flat_map(|row| {
            row.iter()
                .zip(&steps)
                .map(|(w, step)| if *step > 0.0 { (f64::from(*w) / step).round_ties_even() as i8 } else { 0 })
        });
        let integers = integers.collect();
        let of_column = |column: usize| output_scale.map_or(1.0, |scale| f64::from(scale[column]));
        let gain = (0..columns).map(|n| (steps[n] / f64::from(multiplier) * of_column(n)) as f32).collect();
        let bias = (0..columns).map(|n| (bias.map_or(0.0, |b| f64::from(b[n])) * of_column(n)) as f32).collect();
        let mut add = |part: &str, shape: Vec<usize>, values| {
            self.insert(format!("{product}.{part}"), QuantisedTensor { shape, values });
        };
        add("weight", weight.shape.clone(), Values::Integers(integers));
        add("gain", vec![columns], Values::Floats(gain));
        add("bias", vec![columns], Values::Floats(bias));
        add("input", vec![2], Values::Floats(vec![multiplier, limit]));
    }

    /// The weights that these integers stand for, as a start of learning. Layer scales are 1, as
    /// they are in the weights already.
    ///
    /// # Errors
    /// Tensors that do not fit the spec.
    pub fn to_floats(&self, spec: &Spec) -> Result<Weights, ModelError> {
        self.check(spec)?;
        let mut out = Weights::default();
        for (name, shape) in spec.parameters() {
            let data = match name.strip_suffix(".weight") {
                Some(product) => self.floats_of(product).ok_or_else(|| ModelError::Missing(name.clone()))?,
                None if name.ends_with(".layer_scale") => vec![1.0; shape.iter().product()],
                None => self.floats(&name).ok_or_else(|| ModelError::Missing(name.clone()))?.to_vec(),
            };
            out.insert(name, Tensor { shape, data });
        }
        Ok(out)
    }

    fn floats_of(&self, product: &str) -> Option<Vec<f32>> {
        let weight = self.integers(&format!("{product}.weight"))?;
        let gain = self.floats(&format!("{product}.gain"))?;
        let (multiplier, _) = self.input(product)?;
        let factors: Vec<f64> = gain.iter().map(|gain| f64::from(*gain) * f64::from(multiplier)).collect();
        let rows = weight.chunks_exact(gain.len());
        Some(rows.flat_map(|row| row.iter().zip(&factors).map(|(&w, f)| (f64::from(w) * f) as f32)).collect())
    }
}

/// What rounding did to one product.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductLoss {
    /// Name of the product.
    pub product: String,
    /// Rows and columns of its weight.
    pub shape: [usize; 2],
    /// The largest magnitude of its input that is not limited.
    pub reach: f32,
    /// Relative error of its weights: √(Σ(w − ŵ)² ÷ Σw²).
    pub weight_error: f64,
}

impl QuantisedWeights {
    /// What rounding `floats` to these integers did to each product, the largest error first.
    ///
    /// # Errors
    /// Weights that do not fit the spec.
    pub fn losses(&self, spec: &Spec, floats: &Weights) -> Result<Vec<ProductLoss>, ModelError> {
        floats.check(spec)?;
        let back = self.to_floats(spec)?;
        let mut losses = Vec::new();
        for (name, tensor) in floats.iter() {
            let Some(product) = name.strip_suffix(".weight") else { continue };
            let (Some(rounded), Some((multiplier, bits))) = (back.get(name), self.input(product)) else { continue };
            let columns = tensor.shape.last().copied().unwrap_or(1).max(1);
            let scale = product.strip_suffix(".project").and_then(|block| floats.get(&format!("{block}.layer_scale")));
            let (mut error, mut norm) = (0.0, 0.0);
            for (i, (w, rounded)) in tensor.data.iter().zip(&rounded.data).enumerate() {
                let w = f64::from(*w) * scale.map_or(1.0, |scale| f64::from(scale.data[i % columns]));
                error += (w - f64::from(*rounded)).powi(2);
                norm += w * w;
            }
            losses.push(ProductLoss {
                product: product.to_owned(),
                shape: [tensor.data.len() / columns, columns],
                reach: bits.limit() as f32 / multiplier,
                weight_error: if norm > 0.0 { (error / norm).sqrt() } else { 0.0 },
            });
        }
        losses.sort_by(|a, b| b.weight_error.total_cmp(&a.weight_error));
        Ok(losses)
    }
}

/// Replaces the weights of a product, row-major with so many columns, by those that a model file
/// would hold; see [`QuantisedWeights::from_floats`].
pub fn round_weights(weight: &mut [f32], columns: usize) {
    let steps = weight_steps(weight, columns);
    for row in weight.chunks_exact_mut(columns) {
        for (w, step) in row.iter_mut().zip(&steps).filter(|(_, step)| **step > 0.0) {
            *w = ((f64::from(*w) / step).round_ties_even() * step) as f32;
        }
    }
}

/// The step between the integers of each column of a product's weight, which is row-major: its
/// largest magnitude is at most 127 steps, and its sums stay within 32 bits for inputs of 16 bits.
#[must_use]
pub fn weight_steps(weight: &[f32], columns: usize) -> Vec<f64> {
    let limit = Bits::Sixteen.limit();
    let (mut largest, mut sums) = (vec![0f32; columns], vec![0f64; columns]);
    for row in weight.chunks_exact(columns) {
        for ((largest, sum), w) in largest.iter_mut().zip(&mut sums).zip(row) {
            *largest = largest.max(w.abs());
            *sum += f64::from(w.abs());
        }
    }
    // Rounding adds up to half a step for each weight.
    let rounding = weight.len() as f64 / columns as f64 / 2.0;
    let most = f64::from(i32::MAX) / f64::from(limit) - rounding;
    largest.into_iter().zip(sums).map(|(largest, sum)| (f64::from(largest) / 127.0).max(sum / most)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference;

    #[test]
    fn integers_stand_for_the_weights_they_come_from() {
        let spec = Spec::tiny();
        let weights = reference::weights(&spec).unwrap();
        let quantised = QuantisedWeights::from_floats(&spec, &weights, &Ranges::uniform(&spec, 4.0)).unwrap();
        let back = quantised.to_floats(&spec).unwrap();
        for (name, tensor) in back.iter() {
            let original = weights.get(name).unwrap();
            if name.ends_with("layer_scale") || name.contains("project") {
                continue;
            }
            let largest = original.data.iter().fold(0f32, |largest, w| largest.max(w.abs()));
            let error = original.data.iter().zip(&tensor.data).fold(0f32, |e, (a, b)| e.max((a - b).abs()));
            assert!(error <= 0.501 * largest / 127.0, "{name}: {error} of {largest}");
        }
        let losses = quantised.losses(&spec, &weights).unwrap();
        assert_eq!(losses.len(), weights.iter().filter(|(name, _)| name.ends_with(".weight")).count());
        assert!(losses.is_sorted_by(|a, b| a.weight_error >= b.weight_error));
        // Uniform weights are rounded by up to half of 1/127 of the largest.
        let expected = 1.0 / 127.0 / 12f64.sqrt() * 3f64.sqrt();
        let of_mix = losses.iter().find(|loss| loss.product == "encoder.z1.mix").unwrap();
        assert!((of_mix.weight_error / expected - 1.0).abs() < 0.2, "{of_mix:?}, {expected}");
        assert!((of_mix.reach - 16.0).abs() < 1e-3 && of_mix.shape == [32, 16], "{of_mix:?}");
        // What has been integers once comes back as the same integers.
        let again = QuantisedWeights::from_floats(&spec, &back, &Ranges::uniform(&spec, 4.0)).unwrap();
        for (name, tensor) in quantised.iter().filter(|(name, _)| name.ends_with("weight")) {
            assert_eq!(again.get(name), Some(tensor), "{name}");
        }
    }

    #[test]
    fn the_layer_scale_is_part_of_the_last_product() {
        let spec = Spec::tiny();
        let mut weights = reference::weights(&spec).unwrap();
        let name = "encoder.s4.block0";
        let mut scale = weights.remove(&format!("{name}.layer_scale")).unwrap();
        scale.data[3] = -2.0;
        weights.insert(format!("{name}.layer_scale"), scale);
        let quantised = QuantisedWeights::from_floats(&spec, &weights, &Ranges::uniform(&spec, 1.0)).unwrap();
        let bias = quantised.floats(&format!("{name}.project.bias")).unwrap()[3];
        assert_eq!(bias, -2.0 * weights.get(&format!("{name}.project.bias")).unwrap().data[3]);
        let back = quantised.to_floats(&spec).unwrap();
        let (w, was) = (
            back.get(&format!("{name}.project.weight")).unwrap().data[3],
            weights.get(&format!("{name}.project.weight")).unwrap().data[3],
        );
        assert!((w + 2.0 * was).abs() < 0.02, "{w} for {was}");
        assert!(quantised.get(&format!("{name}.layer_scale")).is_none());
    }
}

//! Packing of named tensors into the layers of the kernels.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{ModelError, QuantisedWeights, Spec, THUMBNAIL};
use heirloom_kernels::{Block, Depthwise, Input, Linear, Peak};

/// The largest integers that the inputs of products reached, by the name of the product.
pub type Peaks = BTreeMap<String, Arc<Peak>>;

/// Tensors of a product.
struct Product<'a> {
    weight: &'a [i8],
    gain: &'a [f32],
    bias: &'a [f32],
}

/// Builds layers from tensors.
pub(super) struct Builder<'a> {
    spec: &'a Spec,
    weights: &'a QuantisedWeights,
    /// Filled while layers are built, if their inputs are to be observed.
    peaks: Option<Peaks>,
}

impl<'a> Builder<'a> {
    /// A builder of layers, whose inputs are observed if `observed` is set.
    pub fn new(spec: &'a Spec, weights: &'a QuantisedWeights, observed: bool) -> Self {
        Self { spec, weights, peaks: observed.then(Peaks::new) }
    }

    pub fn spec(&self) -> &'a Spec {
        self.spec
    }

    /// Number of add-ons of the model.
    pub fn add_ons(&self) -> usize {
        self.weights.add_ons()
    }

    /// What observes the inputs of the layers that were built.
    pub fn into_peaks(self) -> Peaks {
        self.peaks.unwrap_or_default()
    }

    pub fn vector(&self, name: &str) -> Result<&'a [f32], ModelError> {
        self.weights.floats(name).ok_or_else(|| ModelError::Missing(name.to_owned()))
    }

    fn product(&self, name: &str) -> Result<Product<'a>, ModelError> {
        let weight = format!("{name}.weight");
        let integers = self.weights.integers(&weight).ok_or(ModelError::Missing(weight))?;
        let (gain, bias) = (self.vector(&format!("{name}.gain"))?, self.vector(&format!("{name}.bias"))?);
        Ok(Product { weight: integers, gain, bias })
    }

    fn input(&mut self, name: &str) -> Result<Input, ModelError> {
        let (multiplier, bits) =
            self.weights.input(name).ok_or_else(|| ModelError::Missing(format!("{name}.input")))?;
        let input = Input::new(multiplier, bits);
        Ok(match &mut self.peaks {
            Some(peaks) => input.observed(peaks.entry(name.to_owned()).or_default().clone()),
            None => input,
        })
    }

    /// A product whose sums run over inputs of these lengths.
    pub fn linear(&mut self, name: &str, segments: &[usize]) -> Result<Linear, ModelError> {
        let input = self.input(name)?;
        let Product { weight, gain, bias } = self.product(name)?;
        Linear::new(weight, segments, gain, bias, input).map_err(|error| unusable(name, &error))
    }

    /// The thumbnail head, if the model has one.
    pub fn thumbnail(&self, inputs: usize) -> Result<Option<Linear>, ModelError> {
        if !self.weights.has_thumbnail() {
            return Ok(None);
        }
        let (multiplier, bits) =
            self.weights.input(THUMBNAIL).ok_or_else(|| ModelError::Missing(format!("{THUMBNAIL}.input")))?;
        let Product { weight, gain, bias } = self.product(THUMBNAIL)?;
        let head = Linear::new(weight, &[inputs], gain, bias, Input::new(multiplier, bits));
        head.map(Some).map_err(|error| unusable(THUMBNAIL, &error))
    }

    /// Splits a product with an even number of outputs into two: the first half of the columns, and
    /// the second. Each output is computed on its own, so this does not change any result.
    pub fn halves(&mut self, name: &str, inputs: usize) -> Result<[Linear; 2], ModelError> {
        let input = self.input(name)?;
        let Product { weight, gain, bias } = self.product(name)?;
        let half = |first: usize| {
            let columns = bias.len();
            let range = first..first + columns / 2;
            let weight: Vec<i8> =
                weight.chunks_exact(columns.max(1)).flat_map(|row| &row[range.clone()]).copied().collect();
            Linear::new(&weight, &[inputs], &gain[range.clone()], &bias[range], input.clone())
                .map_err(|error| unusable(name, &error))
        };
        Ok([half(0)?, half(bias.len() / 2)?])
    }

    /// A depthwise convolution.
    pub fn depthwise(&mut self, name: &str, kernel: usize, channels: usize) -> Result<Depthwise, ModelError> {
        let input = self.input(name)?;
        let Product { weight, gain, bias } = self.product(name)?;
        Depthwise::new(kernel, channels, weight, gain, bias, input).map_err(|error| unusable(name, &error))
    }

    /// The ConvNeXt block `name` of a stage, without its λ-conditioned modulation.
    pub fn block(&mut self, name: &str, stage: usize) -> Result<Block, ModelError> {
        let (kernel, width) = (self.spec.kernels[stage], self.spec.widths[stage]);
        let depthwise = self.depthwise(&format!("{name}.depthwise"), kernel, width)?;
        let expand = self.linear(&format!("{name}.expand"), &[width])?;
        let project = self.linear(&format!("{name}.project"), &[2 * width])?;
        Block::new(depthwise, expand, project).ok_or_else(|| unusable(name, &"its layers do not fit together"))
    }
}

fn unusable(name: &str, why: &dyn std::fmt::Display) -> ModelError {
    ModelError::Unusable { name: name.to_owned(), why: why.to_string() }
}

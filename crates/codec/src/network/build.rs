//! Packing of named tensors into the layers of the kernels.

use crate::model::{ModelError, Spec, Weights};
use heirloom_kernels::{Block, Conv3x3, Dense, Down, Up};

/// Takes the tensors of one branch out of its weights as layers are built, so that no weight is in
/// memory twice for long.
pub(super) struct Builder<'a> {
    spec: &'a Spec,
    weights: Weights,
}

impl<'a> Builder<'a> {
    /// Builders of encoder, entropy branch and reconstruction branch.
    pub fn of_branches(spec: &'a Spec, weights: Weights) -> Result<[Self; 3], ModelError> {
        weights.check(spec)?;
        Ok(weights.into_branches().map(|weights| Self { spec, weights }))
    }

    pub fn spec(&self) -> &'a Spec {
        self.spec
    }

    pub fn vector(&mut self, name: &str) -> Result<Vec<f32>, ModelError> {
        self.weights.remove(name).map(|tensor| tensor.data).ok_or_else(|| ModelError::Missing(name.to_owned()))
    }

    fn pair(&mut self, name: &str) -> Result<(Vec<f32>, Vec<f32>), ModelError> {
        Ok((self.vector(&format!("{name}.weight"))?, self.vector(&format!("{name}.bias"))?))
    }

    pub fn dense(&mut self, name: &str, inputs: usize, outputs: usize) -> Result<Dense, ModelError> {
        let (weight, bias) = self.pair(name)?;
        Ok(Dense::new(&weight, &bias, inputs, outputs))
    }

    /// Splits a matrix with `2·outputs` columns into two layers: the first half of the columns, and
    /// the second. Each output is computed on its own, so this does not change any result.
    pub fn halves(&mut self, name: &str, inputs: usize, outputs: usize) -> Result<[Dense; 2], ModelError> {
        let (weight, bias) = self.pair(name)?;
        let half = |first: usize| {
            let columns: Vec<f32> =
                weight.chunks_exact(2 * outputs).flat_map(|row| row[first..first + outputs].iter().copied()).collect();
            Dense::new(&columns, &bias[first..first + outputs], inputs, outputs)
        };
        Ok([half(0), half(outputs)])
    }

    pub fn down(&mut self, name: &str, inputs: usize, outputs: usize, ratio: usize) -> Result<Down, ModelError> {
        let (weight, bias) = self.pair(name)?;
        Ok(Down::new(&weight, &bias, inputs, outputs, ratio))
    }

    pub fn up(&mut self, name: &str, inputs: usize, outputs: usize, ratio: usize) -> Result<Up, ModelError> {
        let (weight, bias) = self.pair(name)?;
        Ok(Up::new(&weight, &bias, inputs, outputs, ratio))
    }

    pub fn conv3x3(&mut self, name: &str, inputs: usize, outputs: usize) -> Result<Conv3x3, ModelError> {
        let (weight, bias) = self.pair(name)?;
        Ok(Conv3x3::new(&weight, &bias, inputs, outputs))
    }

    /// The ConvNeXt block `name` of a stage, without its λ-conditioned modulation.
    pub fn block(&mut self, name: &str, stage: usize) -> Result<Block, ModelError> {
        let (kernel, width) = (self.spec.kernels[stage], self.spec.widths[stage]);
        let (depthwise_weight, depthwise_bias) = self.pair(&format!("{name}.depthwise"))?;
        let (expand_weight, expand_bias) = self.pair(&format!("{name}.expand"))?;
        let (project_weight, project_bias) = self.pair(&format!("{name}.project"))?;
        let layer_scale = self.vector(&format!("{name}.layer_scale"))?;
        Ok(Block::new(
            kernel,
            width,
            &depthwise_weight,
            &depthwise_bias,
            &expand_weight,
            &expand_bias,
            &project_weight,
            &project_bias,
            &layer_scale,
        ))
    }
}

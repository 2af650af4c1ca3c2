//! From tensors by name to packed layers.

use super::lambda::Condition;
use crate::model::{ModelError, Spec, Weights};
use heirloom_kernels::{Block, Conv3x3, Dense, Down, Map, Up};

/// Takes tensors out of a set of weights as layers are built, so that no weight is in memory twice for long.
pub(super) struct Builder<'a> {
    spec: &'a Spec,
    weights: Weights,
}

impl<'a> Builder<'a> {
    /// Builders of encoder, entropy branch and reconstruction. `weights` must be those of `spec`.
    pub fn of_networks(spec: &'a Spec, mut weights: Weights) -> Result<[Self; 3], ModelError> {
        weights.check(spec)?;
        // Names begin with `encoder.`, `entropy.` or `reconstruction.`, which is their order.
        let mut entropy = weights.split_off("entropy.");
        let reconstruction = entropy.split_off("reconstruction.");
        Ok([weights, entropy, reconstruction].map(|weights| Self { spec, weights }))
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

    /// A matrix with `2·outputs` columns as two layers: the first half of the columns, and the second. Each output is
    /// computed on its own, so this changes no result.
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

    /// The λ-conditioned block `name` at a stage.
    pub fn block(&mut self, name: &str, stage: usize) -> Result<ConditionedBlock, ModelError> {
        let (kernel, width) = (self.spec.kernels[stage], self.spec.widths[stage]);
        let (depthwise_weight, depthwise_bias) = self.pair(&format!("{name}.depthwise"))?;
        let (expand_weight, expand_bias) = self.pair(&format!("{name}.expand"))?;
        let (project_weight, project_bias) = self.pair(&format!("{name}.project"))?;
        let layer_scale = self.vector(&format!("{name}.layer_scale"))?;
        let modulation = self.dense(&format!("{name}.modulation"), self.spec.embedding, 2 * width)?;
        let block = Block::new(
            kernel,
            width,
            &depthwise_weight,
            &depthwise_bias,
            &expand_weight,
            &expand_bias,
            &project_weight,
            &project_bias,
            &layer_scale,
        );
        Ok(ConditionedBlock { modulation, block })
    }

    /// The blocks `{name}0`, `{name}1`, … at a stage.
    pub fn blocks(&mut self, name: &str, count: usize, stage: usize) -> Result<Vec<ConditionedBlock>, ModelError> {
        (0..count).map(|number| self.block(&format!("{name}{number}"), stage)).collect()
    }
}

/// A ConvNeXt block with the layer that turns λ into its shift and scale.
#[derive(Debug)]
pub(super) struct ConditionedBlock {
    modulation: Dense,
    block: Block,
}

impl ConditionedBlock {
    /// Applies the block in place.
    pub fn apply(&self, condition: &Condition, map: &mut Map) {
        let modulation = condition.engine.dense_vector(&self.modulation, &condition.values);
        condition.engine.block(&self.block, &modulation, map);
    }
}

/// Applies blocks one after the other, in place.
pub(super) fn apply_all(blocks: &[ConditionedBlock], condition: &Condition, map: &mut Map) {
    blocks.iter().for_each(|block| block.apply(condition, map));
}

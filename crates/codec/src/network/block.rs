//! ConvNeXt blocks whose shift and scale depend on λ (Duan et al., CVPR 2024, section 4.2).

use super::build::Builder;
use super::lambda::Condition;
use crate::model::ModelError;
use heirloom_kernels::{Block, Linear, Map};

/// A ConvNeXt block with the layer that turns λ's embedding into its shift and scale.
#[derive(Debug)]
pub(super) struct ConditionedBlock {
    modulation: Linear,
    block: Block,
}

impl ConditionedBlock {
    /// Builds the block `name` of a stage.
    pub fn new(build: &mut Builder<'_>, name: &str, stage: usize) -> Result<Self, ModelError> {
        let modulation = build.linear(&format!("{name}.modulation"), &[build.spec().embedding])?;
        Ok(Self { modulation, block: build.block(name, stage)? })
    }

    /// Builds the blocks `{name}0`, `{name}1`, … of a stage.
    pub fn sequence(build: &mut Builder<'_>, name: &str, count: usize, stage: usize) -> Result<Vec<Self>, ModelError> {
        (0..count).map(|number| Self::new(build, &format!("{name}{number}"), stage)).collect()
    }

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

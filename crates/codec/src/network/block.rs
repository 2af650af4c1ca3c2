//! ConvNeXt blocks whose shift and scale depend on λ (Duan et al., CVPR 2024, section 4.2).

use super::build::Builder;
use super::lambda::Condition;
use super::window::Window;
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

/// How far an output position of these blocks sees in each direction.
pub(super) fn reach(blocks: &[ConditionedBlock]) -> usize {
    blocks.iter().map(|block| block.block.reach()).sum()
}

/// Applies blocks to a map that covers the window `from` of the map `whole`, and cuts it to the window
/// `to`. Positions of `to` come out as if the blocks had seen the whole map, if `from` reaches as far
/// as they see. What no later block sees is not computed.
pub(super) fn apply_within(
    blocks: &[ConditionedBlock],
    condition: &Condition,
    map: &mut Map,
    (from, to, whole): (Window, Window, Window),
) {
    let mut covered = from;
    for (i, block) in blocks.iter().enumerate() {
        block.apply(condition, map);
        let needed = to.grown(reach(&blocks[i + 1..]), whole);
        needed.cut(map, covered);
        covered = needed;
    }
    to.cut(map, covered);
}

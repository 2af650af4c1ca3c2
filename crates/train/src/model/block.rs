//! The conditioned ConvNeXt block, which all branches are made of.

use burn::tensor::Tensor;

use super::{
    linear::LinearIds,
    parameters::{Layout, VectorId, Weights},
};
use crate::{
    error::Result,
    ops::{self, BlockParams},
};

/// Where a block finds its parameters.
pub(super) struct BlockIds {
    kernel: usize,
    depthwise: LinearIds,
    modulation: LinearIds,
    expand: LinearIds,
    project: LinearIds,
    layer_scale: VectorId,
}

impl BlockIds {
    pub fn find(layout: &Layout, name: &str, kernel: usize) -> Result<Self> {
        let linear = |part: &str| LinearIds::find(layout, &format!("{name}.{part}"));
        Ok(Self {
            kernel,
            depthwise: linear("depthwise")?,
            modulation: linear("modulation")?,
            expand: linear("expand")?,
            project: linear("project")?,
            layer_scale: layout.vector(&format!("{name}.layer_scale"))?,
        })
    }

    pub fn many(layout: &Layout, prefix: &str, count: usize, kernel: usize) -> Result<Vec<Self>> {
        (0..count).map(|j| Self::find(layout, &format!("{prefix}{j}"), kernel)).collect()
    }

    /// `activated` is the branch's embedding, `[B, E]`.
    pub fn run(&self, w: &Weights, activated: &Tensor<2>, x: Tensor<4>) -> Tensor<4> {
        let modulation = self.modulation.linear(w, activated.clone());
        let params = BlockParams {
            depthwise_weight: w.matrix(self.depthwise.weight),
            depthwise_bias: w.vector(self.depthwise.bias),
            expand_weight: w.matrix(self.expand.weight),
            expand_bias: w.vector(self.expand.bias),
            project_weight: w.matrix(self.project.weight),
            project_bias: w.vector(self.project.bias),
            layer_scale: w.vector(self.layer_scale),
            precision: w.precision(),
        };
        if w.has_moments() {
            let expanded = ops::stock::expand_input(x.clone(), modulation.clone(), &params, self.kernel);
            w.see(self.expand.weight, || expanded.clone());
            w.see(self.project.weight, || ops::stock::project_input(expanded, &params));
        }
        ops::block(x, modulation, params, self.kernel)
    }
}

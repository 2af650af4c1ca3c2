//! Spatial context: the priors of one half of the positions, corrected from the decoded other half.
//!
//! The positions are split like the squares of a chessboard. Those with an even x + y are coded
//! first, under the priors that the coarser levels give. A small network then sees their symbols
//! and the entropy branch's feature, and corrects means and raw scales of the rest. Source: the
//! checkerboard context of He et al., CVPR 2021; its place in a hierarchy is our own.

use burn::tensor::{Device, Tensor, TensorData};
use heirloom_codec::model::CONTEXT_KERNEL;

use super::{
    linear::LinearIds,
    parameters::{Layout, Weights},
};
use crate::{error::Result, ops};

/// Where the context of a level finds its parameters.
pub(super) struct Context {
    depthwise: LinearIds,
    expand: LinearIds,
    project: LinearIds,
}

impl Context {
    /// The layers of the context called `name`.
    pub fn find(layout: &Layout, name: &str) -> Result<Self> {
        let layer = |part: &str| LinearIds::find(layout, &format!("{name}.{part}"));
        Ok(Self { depthwise: layer("depthwise")?, expand: layer("expand")?, project: layer("project")? })
    }

    /// The priors `[B, H, W, 2Z]` with those of the second half corrected. `feature` is the entropy
    /// branch's, `[B, H, W, C]`; `symbols` are residuals in steps, `[B, H, W, Z]`, of which only
    /// those of the first half are seen.
    pub fn corrected(&self, w: &Weights, prior: Tensor<4>, feature: &Tensor<4>, symbols: Tensor<4>) -> Tensor<4> {
        let [_, height, width, _] = symbols.dims();
        let first = first_half(height, width, &symbols.device());
        let seen = ops::depthwise(
            symbols * first.clone(),
            w.matrix(self.depthwise.weight),
            w.vector(self.depthwise.bias),
            CONTEXT_KERNEL,
        );
        let hidden = ops::gelu(self.expand.dense(w, vec![feature.clone(), seen], w.between_features()));
        let correction = self.project.dense(w, vec![hidden], w.to_values());
        prior + correction * first.neg().add_scalar(1.0)
    }
}

/// 1 where x + y is even and 0 elsewhere, `[1, H, W, 1]`.
fn first_half(height: usize, width: usize, device: &Device) -> Tensor<4> {
    let values = (0..height * width).map(|i| 1.0 - ((i / width + i % width) % 2) as f32);
    Tensor::from_data(TensorData::new(values.collect::<Vec<f32>>(), [1, height, width, 1]), device)
}

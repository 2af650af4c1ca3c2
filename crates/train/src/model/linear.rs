//! The matrix and the bias of a layer.

use burn::tensor::Tensor;

use super::parameters::{Layout, MatrixId, VectorId, Weights};
use crate::{
    error::Result,
    ops::{self, Passes},
};

/// Parameters of a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinearIds {
    pub weight: MatrixId,
    pub bias: VectorId,
}

impl LinearIds {
    /// Finds `name.weight` and `name.bias`.
    pub fn find(layout: &Layout, name: &str) -> Result<Self> {
        Ok(Self { weight: layout.matrix(&format!("{name}.weight"))?, bias: layout.vector(&format!("{name}.bias"))? })
    }

    /// Applies the layer to vectors `[B, In]`.
    pub fn linear(&self, w: &Weights, x: Tensor<2>) -> Tensor<2> {
        ops::linear(x, w.matrix(self.weight), w.vector(self.bias))
    }

    /// Applies the layer as a 1×1 convolution to maps whose channels are concatenated.
    pub fn dense(&self, w: &Weights, maps: Vec<Tensor<4>>, passes: Passes) -> Tensor<4> {
        w.see(self.weight, || Tensor::cat(maps.clone(), 3));
        ops::dense(maps, w.matrix(self.weight), w.vector(self.bias), passes)
    }

    /// Applies the layer as a convolution whose kernel and stride are both `r`.
    pub fn down(&self, w: &Weights, x: Tensor<4>, r: usize, passes: Passes) -> Tensor<4> {
        w.see(self.weight, || ops::stock::patches(x.clone(), r));
        ops::down(x, w.matrix(self.weight), w.vector(self.bias), r, passes)
    }

    /// Applies the layer as a 3×3 convolution, zero outside.
    pub fn conv3x3(&self, w: &Weights, x: Tensor<4>, passes: Passes) -> Tensor<4> {
        w.see(self.weight, || ops::stock::neighbourhoods(&x));
        ops::conv3x3(x, w.matrix(self.weight), w.vector(self.bias), passes)
    }

    /// Applies the layer as a 1×1 convolution followed by depth-to-space with `r` by `r` blocks.
    pub fn up(&self, w: &Weights, x: Tensor<4>, r: usize, passes: Passes) -> Tensor<4> {
        w.see(self.weight, || x.clone());
        ops::up(x, w.matrix(self.weight), w.vector(self.bias), r, passes)
    }
}

//! A layer's matrix and bias.

use burn::tensor::Tensor;

use super::{Layout, MatrixId, VectorId, Weights};
use crate::{
    Result,
    ops::{self, Precision},
};

/// Where a layer finds its matrix and its bias.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinearIds {
    pub weight: MatrixId,
    pub bias: VectorId,
}

impl LinearIds {
    /// `name.weight` and `name.bias`.
    pub fn find(layout: &Layout, name: &str) -> Result<Self> {
        Ok(Self { weight: layout.matrix(&format!("{name}.weight"))?, bias: layout.vector(&format!("{name}.bias"))? })
    }

    /// Of vectors `[B, In]`.
    pub fn linear(&self, w: &Weights, x: Tensor<2>) -> Tensor<2> {
        ops::linear(x, w.matrix(self.weight), w.vector(self.bias))
    }

    /// A 1×1 convolution of maps side by side.
    pub fn dense(&self, w: &Weights, maps: Vec<Tensor<4>>, precision: Precision) -> Tensor<4> {
        ops::dense(maps, w.matrix(self.weight), w.vector(self.bias), precision)
    }

    /// A 1×1 convolution whose values are spread over `r` by `r` squares.
    pub fn up(&self, w: &Weights, x: Tensor<4>, r: usize, precision: Precision) -> Tensor<4> {
        ops::up(x, w.matrix(self.weight), w.vector(self.bias), r, precision)
    }
}

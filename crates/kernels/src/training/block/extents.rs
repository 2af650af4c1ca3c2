//! Extents, tensors and intermediate results of the block.

use crate::product::Precision;
use crate::training::parts::AlignedVec;

/// Approximate number of pixels of a tile.
const TILE_PIXELS: usize = 128;

/// Extents of the batch, and how the block computes. Its input is `[batch, height, width,
/// channels]`.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Number of images.
    pub batch: usize,
    /// Rows of each map.
    pub height: usize,
    /// Columns of each map.
    pub width: usize,
    /// Values of each pixel, a multiple of 16.
    pub channels: usize,
    /// Side of the depthwise kernel, odd.
    pub kernel: usize,
    /// Precision of both linear layers.
    pub precision: Precision,
}

impl Shape {
    /// Rows of the whole batch.
    pub(super) fn rows(&self) -> usize {
        self.batch * self.height
    }

    /// Values of a row.
    pub(super) fn row(&self) -> usize {
        self.width * self.channels
    }

    /// Rows of a tile.
    pub(super) fn tile_rows(&self) -> usize {
        (TILE_PIXELS / self.width).max(1)
    }

    /// Rows of one backward task: several tiles, so that there are few gradients to add up. A
    /// function of the shape alone, so that sums do not depend on the machine.
    pub(super) fn task_rows(&self) -> usize {
        let tasks = (self.rows() * self.width / 256).clamp(2, 8);
        self.rows().div_ceil(tasks).next_multiple_of(self.tile_rows())
    }
}

/// The block's tensors.
#[derive(Clone, Copy)]
pub struct Weights<'a> {
    /// `[k·k, C]`
    pub depthwise_weight: &'a [f32],
    /// `[C]`
    pub depthwise_bias: &'a [f32],
    /// `[C, 2C]`
    pub expand_weight: &'a [f32],
    /// `[2C]`
    pub expand_bias: &'a [f32],
    /// `[2C, C]`
    pub project_weight: &'a [f32],
    /// `[C]`
    pub project_bias: &'a [f32],
    /// `[C]`
    pub layer_scale: &'a [f32],
}

/// Intermediate results of the forward pass that the backward pass needs.
#[derive(Debug)]
pub struct Saved {
    /// Output of the layer norm, `[pixels, C]`.
    pub(super) normalised: AlignedVec,
    /// 1/√(variance + ε), `[pixels]`.
    pub(super) inverse: AlignedVec,
    /// Input of the GELU, `[pixels, 2C]`.
    pub(super) hidden: AlignedVec,
}

/// `1 + scale` per image and channel, `[batch, C]`.
pub fn factors(modulation: &[f32], c: usize) -> Vec<f32> {
    modulation.chunks_exact(2 * c).flat_map(|image| image[c..].iter().map(|scale| 1.0 + scale)).collect()
}

//! The λ-conditioned ConvNeXt block, in place and fused over tiles that stay in cache.
//!
//! depthwise k×k → layer norm → ·(1 + scale) + shift → linear C→2C → GELU → linear 2C→C → ·γ
//! → + input
//!
//! The block is that of Liu et al., "A ConvNet for the 2020s", CVPR 2022, with shift and scale
//! from λ (Duan et al., CVPR 2024, section 4.2).

use rayon::prelude::*;

use super::ring::{Ring, original};
use super::{depthwise, pointwise};
use crate::aligned::Aligned;
use crate::map::Map;
use crate::product::{self, Matrix, MatrixMut, Packed, Start};
use crate::simd::{Engine, Job, Simd};

/// Columns of a tile.
const TILE_COLUMNS: usize = 32;

/// Largest kernel side of a block.
const MAX_KERNEL: usize = 15;

/// Weights of one block, packed.
#[derive(Clone, Debug)]
pub struct Block {
    kernel: usize,
    channels: usize,
    depthwise_weight: Aligned,
    depthwise_bias: Vec<f32>,
    expand: Packed,
    expand_bias: Vec<f32>,
    project: Packed,
    project_bias: Vec<f32>,
    layer_scale: Vec<f32>,
}

impl Block {
    /// Packs weights of these shapes: depthwise `[k·k, C]` and `[C]`, expand `[C, 2C]` and `[2C]`,
    /// project `[2C, C]` and `[C]`, layer scale `[C]`.
    ///
    /// # Panics
    /// If a slice has another length, if k is even or above 15, or if C is not a multiple of 16.
    #[allow(clippy::too_many_arguments)] // seven tensors make a block
    pub fn new(
        kernel: usize,
        channels: usize,
        depthwise_weight: &[f32],
        depthwise_bias: &[f32],
        expand_weight: &[f32],
        expand_bias: &[f32],
        project_weight: &[f32],
        project_bias: &[f32],
        layer_scale: &[f32],
    ) -> Block {
        let c = channels;
        assert!(kernel % 2 == 1 && kernel <= MAX_KERNEL && c.is_multiple_of(16));
        assert!(depthwise_weight.len() == kernel * kernel * c && depthwise_bias.len() == c);
        assert!(expand_bias.len() == 2 * c && project_bias.len() == c && layer_scale.len() == c);
        Block {
            kernel,
            channels,
            depthwise_weight: Aligned::copy_of(depthwise_weight),
            depthwise_bias: depthwise_bias.to_vec(),
            expand: Packed::new(expand_weight, c, 2 * c),
            expand_bias: expand_bias.to_vec(),
            project: Packed::new(project_weight, 2 * c, c),
            project_bias: project_bias.to_vec(),
            layer_scale: layer_scale.to_vec(),
        }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }
}

impl Engine {
    /// Applies a block in place. `modulation` is `[shift (C), scale (C)]`.
    ///
    /// The map is cut into bands of rows, one task each. A band keeps the original rows it still
    /// needs in a ring; the rows of its neighbours that it needs are copied before any band starts
    /// writing.
    ///
    /// # Panics
    /// If the map or the modulation does not have the block's channels.
    pub fn block(self, block: &Block, modulation: &[f32], map: &mut Map) {
        let c = block.channels;
        assert!(map.channels == c && modulation.len() == 2 * c);
        if map.data.is_empty() {
            return;
        }
        let (height, row) = (map.height, map.width * c);
        let radius = block.kernel / 2;
        let tile_rows = if c >= 256 { 4 } else { 8 };
        let bands = height.div_ceil(tile_rows).min(2 * rayon::current_num_threads());
        let band_rows = height.div_ceil(bands).next_multiple_of(tile_rows);
        let factor: Vec<f32> = modulation[c..].iter().map(|scale| 1.0 + scale).collect();

        let halos: Vec<[Vec<f32>; 2]> = (0..height)
            .step_by(band_rows)
            .map(|first| {
                let end = (first + band_rows).min(height);
                let above = map.data[first.saturating_sub(radius) * row..first * row].to_vec();
                let below = map.data[end * row..(end + radius).min(height) * row].to_vec();
                [above, below]
            })
            .collect();
        map.data.par_chunks_mut(band_rows * row).zip(halos).for_each(|(rows, [above, below])| {
            let band = Band {
                block,
                width: map.width,
                tile_rows,
                factor: &factor,
                shift: &modulation[..c],
                above,
                below,
                rows,
            };
            self.run(band);
        });
    }
}

/// A band of rows and the original rows around it (fewer than the radius at the map's edges).
struct Band<'a> {
    block: &'a Block,
    width: usize,
    tile_rows: usize,
    factor: &'a [f32],
    shift: &'a [f32],
    above: Vec<f32>,
    below: Vec<f32>,
    rows: &'a mut [f32],
}

impl Job for Band<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let (c, k) = (self.block.channels, self.block.kernel);
        let row = self.width * c;
        let height = self.rows.len() / row;
        let padded = (self.width + k - 1) * c;
        let mut ring = Ring { rows: Aligned::zeros((self.tile_rows + k - 1) * padded), padded, radius: k / 2, c };
        // Fill the rows before the band and, of the band itself, those that the first tile sees
        // below it.
        for y in -(ring.radius as isize)..ring.radius as isize {
            ring.fill(y, original(&self.above, self.rows, &self.below, row, y));
        }
        let columns = TILE_COLUMNS.min(self.width);
        let mut scratch = Scratch::new(self.tile_rows * columns, c);
        for first in (0..height).step_by(self.tile_rows) {
            let end = (first + self.tile_rows).min(height);
            for y in first..end {
                let y = (y + ring.radius) as isize;
                ring.fill(y, original(&self.above, self.rows, &self.below, row, y));
            }
            for x in (0..self.width).step_by(columns) {
                let n = columns.min(self.width - x);
                for y in first..end {
                    let mut taps: [&[f32]; MAX_KERNEL] = [&[]; MAX_KERNEL];
                    for ky in 0..k {
                        taps[ky] = ring.row(y as isize + ky as isize - ring.radius as isize, x);
                    }
                    let out = &mut scratch.pixels[(y - first) * n * c..][..n * c];
                    let b = self.block;
                    depthwise::row::<S>(&taps[..k], c, &b.depthwise_weight, &b.depthwise_bias, out, n);
                }
                scratch.transform::<S>(self.block, self.factor, self.shift, (end - first) * n);
                for y in first..end {
                    let out = &mut self.rows[y * row + x * c..][..n * c];
                    let deltas = scratch.pixels[(y - first) * n * c..][..n * c].chunks_exact(c);
                    for (pixel, delta) in out.chunks_exact_mut(c).zip(deltas) {
                        pointwise::residual::<S>(delta, &self.block.layer_scale, pixel);
                    }
                }
            }
        }
    }
}

/// What one tile needs besides its input.
struct Scratch {
    pixels: Aligned,
    hidden: Aligned,
}

impl Scratch {
    fn new(pixels: usize, channels: usize) -> Scratch {
        Scratch { pixels: Aligned::zeros(pixels * channels), hidden: Aligned::zeros(pixels * 2 * channels) }
    }

    /// Turns the depthwise output of `n` pixels into the block's change of them, in place.
    #[inline(always)]
    fn transform<S: Simd>(&mut self, b: &Block, factor: &[f32], shift: &[f32], n: usize) {
        let c = b.channels;
        for pixel in self.pixels[..n * c].chunks_exact_mut(c) {
            pointwise::normalise::<S>(pixel);
            pointwise::affine_in_place::<S>(pixel, factor, shift);
        }
        let hidden = &mut self.hidden[..n * 2 * c];
        let start = Start::Bias(&b.expand_bias);
        let (left, out) = (Matrix::new(&self.pixels, n, c, c), MatrixMut::new(hidden, n, 2 * c, 2 * c));
        product::multiply::<S>(left, &b.expand, 0..c, start, out);
        pointwise::gelu::<S>(hidden);
        let start = Start::Bias(&b.project_bias);
        let (left, out) = (Matrix::new(hidden, n, 2 * c, 2 * c), MatrixMut::new(&mut self.pixels, n, c, c));
        product::multiply::<S>(left, &b.project, 0..2 * c, start, out);
    }
}

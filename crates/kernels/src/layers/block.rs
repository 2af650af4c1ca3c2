//! The λ-conditioned ConvNeXt block, in place and fused over tiles that stay in cache.
//!
//! depthwise k×k → layer norm → ·(1 + scale) + shift → linear C→2C → GELU → linear 2C→C → + input
//!
//! The block is that of Liu et al., "A ConvNet for the 2020s", CVPR 2022, with shift and scale
//! from λ (Duan et al., CVPR 2024, section 4.2). The per-channel scale of its output is part of the
//! gains and biases of the last layer.

use rayon::prelude::*;

use super::pointwise;
use super::ring::{Ring, original};
use crate::aligned::Aligned;
use crate::integer::{AddAt, Depthwise, GeluQuantise, Left, Linear, multiply};
use crate::map::Map;
use crate::simd::{Engine, Job, Simd};

/// Columns of a tile: its pixels are a multiple of the rows of a register tile.
const TILE_COLUMNS: usize = 24;

/// Largest kernel side of a block.
pub const MAX_KERNEL: usize = 15;

/// The layers of one block.
#[derive(Clone, Debug)]
pub struct Block {
    depthwise: Depthwise,
    expand: Linear,
    project: Linear,
}

impl Block {
    /// Puts layers together: a depthwise convolution of C channels, a layer from C to 2C and one
    /// from 2C to C. `None` if their shapes do not fit, or if the kernel is larger than 15.
    pub fn new(depthwise: Depthwise, expand: Linear, project: Linear) -> Option<Block> {
        let c = depthwise.channels();
        let fits = depthwise.kernel() <= MAX_KERNEL
            && expand.segments() == [c]
            && expand.outputs() == 2 * c
            && project.segments() == [2 * c]
            && project.outputs() == c;
        fits.then_some(Block { depthwise, expand, project })
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.depthwise.channels()
    }

    /// How far an output position sees in each direction, in positions.
    pub fn reach(&self) -> usize {
        self.depthwise.radius()
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
        let c = block.channels();
        assert!(map.channels == c && modulation.len() == 2 * c);
        if map.data.is_empty() {
            return;
        }
        let (height, row) = (map.height, map.width * c);
        let radius = block.depthwise.radius();
        let tile_rows = if c > 64 { 4 } else { 8 };
        let bands = height.div_ceil(tile_rows).min(2 * rayon::current_num_threads());
        let band_rows = height.div_ceil(bands).next_multiple_of(tile_rows);
        let multiplier = block.expand.input().multiplier();
        let shift: Vec<f32> = modulation[..c].iter().map(|shift| shift * multiplier).collect();
        let factor: Vec<f32> = modulation[c..].iter().map(|scale| (1.0 + scale) * multiplier).collect();

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
            let (factor, shift) = (&factor, &shift);
            self.run(Band { block, width: map.width, tile_rows, factor, shift, above, below, rows });
        });
    }
}

/// A band of rows and the original rows around it (fewer than the radius at the map's edges).
struct Band<'a> {
    block: &'a Block,
    width: usize,
    tile_rows: usize,
    /// Factor and shift of the normalised pixels, times the multiplier of the next layer's input.
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
        let Block { depthwise, expand, project } = self.block;
        let (c, k) = (depthwise.channels(), depthwise.kernel());
        let row = self.width * c;
        let height = self.rows.len() / row;
        let mut ring = Ring::new(self.tile_rows, self.width, depthwise);
        // Fill the rows before the band and, of the band itself, those that the first tile sees
        // below it.
        let radius = depthwise.radius() as isize;
        for y in -radius..radius {
            ring.fill::<S>(y, original(&self.above, self.rows, &self.below, row, y));
        }
        let columns = TILE_COLUMNS.min(self.width);
        let mut scratch = Scratch::new(self.tile_rows * columns, c);
        for first in (0..height).step_by(self.tile_rows) {
            let end = (first + self.tile_rows).min(height);
            for y in first..end {
                let y = y as isize + radius;
                ring.fill::<S>(y, original(&self.above, self.rows, &self.below, row, y));
            }
            for x in (0..self.width).step_by(columns) {
                let n = columns.min(self.width - x);
                for y in first..end {
                    let mut taps: [&[i32]; MAX_KERNEL] = [&[]; MAX_KERNEL];
                    for ky in 0..k {
                        taps[ky] = ring.row(y as isize + ky as isize - radius, x);
                    }
                    let out = &mut scratch.pixels[(y - first) * n * c..][..n * c];
                    depthwise.row::<S>(&taps[..k], out, n);
                }
                let pixels = (end - first) * n;
                scratch.hide::<S>(expand, project, self.factor, self.shift, pixels);
                scratch.offsets.clear();
                scratch.offsets.extend((first..end).flat_map(|y| (x..x + n).map(move |x| y * row + x * c)));
                let left = Left { data: &scratch.hidden[..pixels * 2 * c], row: 2 * c, k: 2 * c };
                S::call(Project { left, project, out: self.rows, offsets: &scratch.offsets });
            }
        }
    }
}

/// What one tile needs besides its input.
struct Scratch {
    /// Outputs of the depthwise convolution.
    pixels: Aligned<f32>,
    /// The same, normalised, as integers.
    normalised: Aligned<i16>,
    /// Inputs of the last layer.
    hidden: Aligned<i16>,
    /// Where the pixels of the tile lie in the band.
    offsets: Vec<usize>,
    channels: usize,
}

impl Scratch {
    fn new(pixels: usize, channels: usize) -> Scratch {
        let values = pixels * channels;
        Scratch {
            pixels: Aligned::zeros(values),
            normalised: Aligned::zeros(values),
            hidden: Aligned::zeros(2 * values),
            offsets: Vec::with_capacity(pixels),
            channels,
        }
    }

    /// Turns the depthwise outputs of `n` pixels into the inputs of the last layer.
    #[inline(always)]
    fn hide<S: Simd>(&mut self, expand: &Linear, project: &Linear, factor: &[f32], shift: &[f32], n: usize) {
        let c = self.channels;
        let quantiser = expand.input().quantiser::<S>();
        let normalised = &mut self.normalised[..n * c];
        for (pixel, out) in self.pixels[..n * c].chunks_exact(c).zip(normalised.chunks_exact_mut(c)) {
            pointwise::normalise::<S>(pixel, factor, shift, &quantiser, out);
        }
        expand.input().observe(normalised);
        let left = Left { data: normalised, row: c, k: c };
        let hidden = &mut self.hidden[..n * 2 * c];
        S::call(Expand { left, expand, project, n, hidden, stride: 2 * c });
        project.input().observe(hidden);
    }
}

/// The first layer of a tile, and GELU.
struct Expand<'a> {
    left: Left<'a>,
    expand: &'a Linear,
    project: &'a Linear,
    n: usize,
    hidden: &'a mut [i16],
    stride: usize,
}

impl Job for Expand<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Expand { left, expand, project, n, hidden, stride } = self;
        let quantiser = project.input().quantiser::<S>();
        multiply::<S, _>(&[left], expand, n, &mut GeluQuantise { out: hidden, stride, quantiser });
    }
}

/// The last layer of some pixels, added to them.
struct Project<'a> {
    left: Left<'a>,
    project: &'a Linear,
    out: &'a mut [f32],
    offsets: &'a [usize],
}

impl Job for Project<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Project { left, project, out, offsets } = self;
        multiply::<S, _>(&[left], project, offsets.len(), &mut AddAt { out, offsets });
    }
}

//! The 3×3 convolution.

use rayon::prelude::*;

use crate::map::Map;
use crate::product::{self, Matrix, MatrixMut, Packed, Start};
use crate::simd::{Engine, Job, Simd};

/// 3×3 convolution, zero padding.
#[derive(Clone, Debug)]
pub struct Conv3x3 {
    weight: Packed,
    bias: Vec<f32>,
}

impl Conv3x3 {
    /// Packs a `[9·inputs, outputs]` weight, rows ordered (ky, kx, input), and a bias of `outputs`
    /// values.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize, outputs: usize) -> Conv3x3 {
        assert_eq!(bias.len(), outputs);
        Conv3x3 { weight: Packed::new(weight, 9 * inputs, outputs), bias: bias.to_vec() }
    }
}

impl Engine {
    /// 3×3 convolution with zeros beyond the edges.
    ///
    /// # Panics
    /// If the channels are not those of the layer.
    pub fn conv3x3(self, layer: &Conv3x3, input: &Map) -> Map {
        assert_eq!(9 * input.channels, layer.weight.k());
        let mut out = Map::zeros(input.height, input.width, layer.bias.len());
        let row = out.width * out.channels;
        out.data.par_chunks_mut(row.max(1)).enumerate().for_each(|(y, out)| {
            let rows = padded_rows(input, y);
            self.run(ConvRow { layer, rows: &rows, channels: input.channels, width: input.width, out });
        });
        out
    }
}

/// Rows `y − 1`, `y` and `y + 1`, each with a zero pixel on both sides; zeros where there is no
/// row.
fn padded_rows(input: &Map, y: usize) -> Vec<f32> {
    let mut rows = vec![0.0; 3 * (input.width + 2) * input.channels];
    let inner = input.width * input.channels;
    for (ky, padded) in rows.chunks_exact_mut((input.width + 2) * input.channels).enumerate() {
        if (1..=input.height).contains(&(y + ky)) {
            let from = (y + ky - 1) * inner;
            padded[input.channels..input.channels + inner].copy_from_slice(&input.data[from..from + inner]);
        }
    }
    rows
}

struct ConvRow<'a> {
    layer: &'a Conv3x3,
    rows: &'a [f32],
    channels: usize,
    width: usize,
    out: &'a mut [f32],
}

impl Job for ConvRow<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let (m, c, n) = (self.width, self.channels, self.layer.bias.len());
        for (ky, row) in self.rows.chunks_exact((m + 2) * c).enumerate() {
            let start = if ky == 0 { Start::Bias(&self.layer.bias) } else { Start::Output };
            let rows = ky * 3 * c..(ky + 1) * 3 * c;
            // The windows of neighbouring pixels overlap by two pixels.
            let left = Matrix::new(row, m, 3 * c, c);
            product::multiply::<S>(left, &self.layer.weight, rows, start, MatrixMut::new(self.out, m, n, n));
        }
    }
}

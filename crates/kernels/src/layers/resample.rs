//! The layers that change the resolution: Down(r) and Up(r).

use rayon::prelude::*;

use crate::map::Map;
use crate::product::{self, Matrix, MatrixMut, Packed, Start};
use crate::simd::{Engine, Job, Simd};

/// Convolution whose kernel and stride are both `r`.
#[derive(Clone, Debug)]
pub struct Down {
    weight: Packed,
    bias: Vec<f32>,
    r: usize,
}

impl Down {
    /// Packs a `[r·r·inputs, outputs]` weight, rows ordered (ky, kx, input), and a bias of
    /// `outputs` values.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize, outputs: usize, r: usize) -> Down {
        assert_eq!(bias.len(), outputs);
        Down { weight: Packed::new(weight, r * r * inputs, outputs), bias: bias.to_vec(), r }
    }
}

/// 1×1 convolution to `r²` times the channels, then pixel shuffle.
#[derive(Clone, Debug)]
pub struct Up {
    /// One matrix for each of the `r` rows that a pixel becomes.
    weights: Vec<Packed>,
    bias: Vec<f32>,
    r: usize,
}

impl Up {
    /// Packs a `[inputs, r·r·outputs]` weight, columns ordered (ry, rx, output), and a bias of as
    /// many values.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize, outputs: usize, r: usize) -> Up {
        let (row, all) = (r * outputs, r * r * outputs);
        assert!(weight.len() == inputs * all && bias.len() == all);
        let weights = (0..r).map(|ry| Packed::from_fn(inputs, row, |k, n| weight[k * all + ry * row + n])).collect();
        Up { weights, bias: bias.to_vec(), r }
    }
}

impl Engine {
    /// Down(r): a map of `r` times fewer rows and columns.
    ///
    /// # Panics
    /// If height and width are not multiples of `r`, or if the channels are not those of the layer.
    pub fn down(self, layer: &Down, input: &Map) -> Map {
        let r = layer.r;
        assert!(input.height.is_multiple_of(r) && input.width.is_multiple_of(r));
        assert_eq!(r * r * input.channels, layer.weight.k());
        let mut out = Map::zeros(input.height / r, input.width / r, layer.bias.len());
        let row = out.width * out.channels;
        out.data.par_chunks_mut(row.max(1)).enumerate().for_each(|(y, out)| {
            self.run(DownRow { layer, input, y, out });
        });
        out
    }

    /// Up(r): a map of `r` times more rows and columns.
    ///
    /// # Panics
    /// If the channels are not those of the layer.
    pub fn up(self, layer: &Up, input: &Map) -> Map {
        let r = layer.r;
        let channels = layer.bias.len() / (r * r);
        assert_eq!(input.channels, layer.weights[0].k());
        let mut out = Map::zeros(input.height * r, input.width * r, channels);
        let rows = r * out.width * channels;
        out.data.par_chunks_mut(rows.max(1)).enumerate().for_each(|(y, out)| {
            self.run(UpRow { layer, input, y, out });
        });
        out
    }
}

struct DownRow<'a> {
    layer: &'a Down,
    input: &'a Map,
    y: usize,
    out: &'a mut [f32],
}

impl Job for DownRow<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let (r, n) = (self.layer.r, self.layer.bias.len());
        let (patch, m) = (r * self.input.channels, self.input.width / r);
        let row = self.input.width * self.input.channels;
        for ky in 0..r {
            let from = (self.y * r + ky) * row;
            let left = Matrix::new(&self.input.data[from..from + row], m, patch, patch);
            let start = if ky == 0 { Start::Bias(&self.layer.bias) } else { Start::Output };
            let rows = ky * patch..(ky + 1) * patch;
            product::multiply::<S>(left, &self.layer.weight, rows, start, MatrixMut::new(self.out, m, n, n));
        }
    }
}

struct UpRow<'a> {
    layer: &'a Up,
    input: &'a Map,
    y: usize,
    out: &'a mut [f32],
}

impl Job for UpRow<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let (m, c) = (self.input.width, self.input.channels);
        let n = self.layer.bias.len() / self.layer.r;
        let left = Matrix::new(&self.input.data[self.y * m * c..(self.y + 1) * m * c], m, c, c);
        let rows = self.out.chunks_exact_mut((m * n).max(1));
        for ((weight, bias), out) in self.layer.weights.iter().zip(self.layer.bias.chunks_exact(n)).zip(rows) {
            let out = MatrixMut::new(out, m, n, n);
            product::multiply::<S>(left, weight, 0..c, Start::Bias(bias), out);
        }
    }
}

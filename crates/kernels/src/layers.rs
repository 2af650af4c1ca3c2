//! The dense layers: 1×1, Down(r), Up(r) and 3×3, all as packed matrix products without gathering patches.

use rayon::prelude::*;

use super::gemm::{self, Left, Packed, Start};
use super::map::Map;
use super::simd::{Engine, Job, Simd};

/// Pixels one task works on at least, so that small maps are not split into crumbs.
const TASK_PIXELS: usize = 96;

/// 1×1 convolution: `out = in·W + b` at each pixel.
#[derive(Clone, Debug)]
pub struct Dense {
    weight: Packed,
    bias: Vec<f32>,
}

/// Convolution with kernel = stride = `r`.
#[derive(Clone, Debug)]
pub struct Down {
    weight: Packed,
    bias: Vec<f32>,
    r: usize,
}

/// 1×1 convolution to `r²` times the channels, then pixel shuffle: one matrix per output row of the shuffle.
#[derive(Clone, Debug)]
pub struct Up {
    weights: Vec<Packed>,
    bias: Vec<f32>,
    r: usize,
}

/// 3×3 convolution, zero padding.
#[derive(Clone, Debug)]
pub struct Conv3x3 {
    weight: Packed,
    bias: Vec<f32>,
}

// The constructors panic when a slice's length contradicts the shape: the model reader has checked shapes before.
impl Dense {
    /// `weight` is `[inputs, outputs]`.
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize, outputs: usize) -> Dense {
        assert_eq!(bias.len(), outputs);
        Dense { weight: Packed::new(weight, inputs, outputs), bias: bias.to_vec() }
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }
}

impl Down {
    /// `weight` is `[r·r·inputs, outputs]`, rows ordered (ky, kx, input).
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize, outputs: usize, r: usize) -> Down {
        assert_eq!(bias.len(), outputs);
        Down { weight: Packed::new(weight, r * r * inputs, outputs), bias: bias.to_vec(), r }
    }
}

impl Up {
    /// `weight` is `[inputs, r·r·outputs]`, columns ordered (ry, rx, output).
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize, outputs: usize, r: usize) -> Up {
        let (row, all) = (r * outputs, r * r * outputs);
        assert!(weight.len() == inputs * all && bias.len() == all);
        let weights = (0..r).map(|ry| Packed::from_fn(inputs, row, |k, n| weight[k * all + ry * row + n])).collect();
        Up { weights, bias: bias.to_vec(), r }
    }
}

impl Conv3x3 {
    /// `weight` is `[9·inputs, outputs]`, rows ordered (ky, kx, input).
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize, outputs: usize) -> Conv3x3 {
        assert_eq!(bias.len(), outputs);
        Conv3x3 { weight: Packed::new(weight, 9 * inputs, outputs), bias: bias.to_vec() }
    }
}

impl Engine {
    /// 1×1 convolution of the inputs' concatenated channels. All inputs have the same height and width.
    pub fn dense(self, layer: &Dense, inputs: &[&Map]) -> Map {
        let (height, width) = inputs.first().map_or((0, 0), |map| (map.height, map.width));
        let mut out = Map::zeros(height, width, layer.outputs());
        self.dense_onto(layer, inputs, &mut out, false);
        out
    }

    /// Adds the 1×1 convolution of `input` to `out`: `(out + b) + in·W`, the products in ascending order.
    pub fn dense_add(self, layer: &Dense, input: &Map, out: &mut Map) {
        self.dense_onto(layer, &[input], out, true);
    }

    fn dense_onto(self, layer: &Dense, inputs: &[&Map], out: &mut Map, add: bool) {
        let n = layer.outputs();
        assert!(n > 0 && out.channels == n && inputs.iter().all(|map| map.pixels() == out.pixels()));
        assert_eq!(inputs.iter().map(|map| map.channels).sum::<usize>(), layer.weight.k());
        out.data.par_chunks_mut(TASK_PIXELS * n).enumerate().for_each(|(task, out)| {
            self.run(DenseTask { layer, inputs, first: task * TASK_PIXELS, add, out });
        });
    }

    /// `out = in·W + b` for one vector.
    pub fn dense_vector(self, layer: &Dense, input: &[f32]) -> Vec<f32> {
        let input = Map { height: 1, width: 1, channels: input.len(), data: input.to_vec() };
        self.dense(layer, &[&input]).data
    }

    /// Down(r). Height and width are multiples of r.
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

    /// Up(r).
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

    /// 3×3 convolution, zero padding.
    pub fn conv3x3(self, layer: &Conv3x3, input: &Map) -> Map {
        assert_eq!(9 * input.channels, layer.weight.k());
        let mut out = Map::zeros(input.height, input.width, layer.bias.len());
        let row = out.width * out.channels;
        out.data.par_chunks_mut(row.max(1)).enumerate().for_each(|(y, out)| {
            let mut rows = vec![0.0; 3 * (input.width + 2) * input.channels];
            let inner = input.width * input.channels;
            for (ky, padded) in rows.chunks_exact_mut((input.width + 2) * input.channels).enumerate() {
                if (1..=input.height).contains(&(y + ky)) {
                    let from = (y + ky - 1) * inner;
                    padded[input.channels..input.channels + inner].copy_from_slice(&input.data[from..from + inner]);
                }
            }
            self.run(ConvRow { layer, rows: &rows, channels: input.channels, width: input.width, out });
        });
        out
    }

    /// GELU (erf form) in place.
    pub fn gelu(self, x: &mut [f32]) {
        struct Gelu<'a>(&'a mut [f32]);
        impl Job for Gelu<'_> {
            type Output = ();
            #[inline(always)]
            fn run<S: Simd>(self) {
                super::pointwise::gelu::<S>(self.0);
            }
        }
        self.run(Gelu(x));
    }
}

struct DenseTask<'a> {
    layer: &'a Dense,
    inputs: &'a [&'a Map],
    first: usize,
    add: bool,
    out: &'a mut [f32],
}

impl Job for DenseTask<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let n = self.layer.outputs();
        let m = self.out.len() / n;
        let mut start = Start::Bias(&self.layer.bias);
        if self.add {
            for pixel in self.out.chunks_exact_mut(n) {
                for (x, b) in pixel.iter_mut().zip(&self.layer.bias) {
                    *x += b;
                }
            }
            start = Start::Output;
        }
        let mut row = 0;
        for input in self.inputs {
            let c = input.channels;
            let left = Left::rows(&input.data[self.first * c..(self.first + m) * c], c);
            gemm::multiply::<S>(m, left, &self.layer.weight, row..row + c, start, self.out, n);
            start = Start::Output;
            row += c;
        }
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
        let patch = r * self.input.channels;
        let row = self.input.width * self.input.channels;
        for ky in 0..r {
            let from = (self.y * r + ky) * row;
            let left = Left::rows(&self.input.data[from..from + row], patch);
            let start = if ky == 0 { Start::Bias(&self.layer.bias) } else { Start::Output };
            let rows = ky * patch..(ky + 1) * patch;
            gemm::multiply::<S>(self.input.width / r, left, &self.layer.weight, rows, start, self.out, n);
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
        let (width, c) = (self.input.width, self.input.channels);
        let n = self.layer.bias.len() / self.layer.r;
        let left = Left::rows(&self.input.data[self.y * width * c..(self.y + 1) * width * c], c);
        let rows = self.out.chunks_exact_mut((width * n).max(1));
        for ((weight, bias), out) in self.layer.weights.iter().zip(self.layer.bias.chunks_exact(n)).zip(rows) {
            gemm::multiply::<S>(width, left, weight, 0..c, Start::Bias(bias), out, n);
        }
    }
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
        let (c, n) = (self.channels, self.layer.bias.len());
        for (ky, row) in self.rows.chunks_exact((self.width + 2) * c).enumerate() {
            let start = if ky == 0 { Start::Bias(&self.layer.bias) } else { Start::Output };
            let rows = ky * 3 * c..(ky + 1) * 3 * c;
            let left = Left::rows(row, c);
            gemm::multiply::<S>(self.width, left, &self.layer.weight, rows, start, self.out, n);
        }
    }
}

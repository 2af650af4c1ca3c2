//! The 1×1 convolution.

use rayon::prelude::*;

use crate::map::Map;
use crate::product::{self, Matrix, MatrixMut, Packed, Start};
use crate::simd::{Engine, Job, Simd};

/// Pixels that one task works on at least, so that small maps are not split into tiny tasks.
const TASK_PIXELS: usize = 96;

/// 1×1 convolution: `out = in·W + b` at each pixel.
#[derive(Clone, Debug)]
pub struct Dense {
    weight: Packed,
    bias: Vec<f32>,
}

impl Dense {
    /// Packs a `[inputs, outputs]` weight and a bias of `outputs` values.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize, outputs: usize) -> Dense {
        assert_eq!(bias.len(), outputs);
        Dense { weight: Packed::new(weight, inputs, outputs), bias: bias.to_vec() }
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }
}

impl Engine {
    /// 1×1 convolution of the inputs' concatenated channels.
    ///
    /// # Panics
    /// If the inputs differ in height or width, or if their channels are not those of the layer.
    pub fn dense(self, layer: &Dense, inputs: &[&Map]) -> Map {
        let (height, width) = inputs.first().map_or((0, 0), |map| (map.height, map.width));
        let mut out = Map::zeros(height, width, layer.outputs());
        self.dense_onto(layer, inputs, &mut out, false);
        out
    }

    /// Adds the 1×1 convolution of `input` to `out`: `(out + b) + in·W`, the products in ascending
    /// order.
    ///
    /// # Panics
    /// If the maps differ in their number of pixels, or if their channels are not those of the
    /// layer.
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

    /// `in·W + b` for one vector.
    ///
    /// # Panics
    /// If the vector has not as many values as the layer has inputs.
    pub fn dense_vector(self, layer: &Dense, input: &[f32]) -> Vec<f32> {
        let input = Map { height: 1, width: 1, channels: input.len(), data: input.to_vec() };
        self.dense(layer, &[&input]).data
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
            let left = Matrix::new(&input.data[self.first * c..(self.first + m) * c], m, c, c);
            let out = MatrixMut::new(self.out, m, n, n);
            product::multiply::<S>(left, &self.layer.weight, row..row + c, start, out);
            start = Start::Output;
            row += c;
        }
    }
}

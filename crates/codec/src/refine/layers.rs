//! Layers of single positions, forward and backward.

use heirloom_kernels::Map;
use heirloom_kernels::product::{Operand, Packed, Precision};
use heirloom_kernels::training::dense::{self, Rows};
use heirloom_kernels::training::windows::{self, Windows};

/// A matrix between the channels of maps, which lie side by side, and those of the output.
#[derive(Debug)]
pub(super) struct Dense {
    weight: Operand,
    /// For each input the transposed rows of the weight that it is multiplied by.
    transposed: Vec<Operand>,
    bias: Vec<f32>,
}

impl Dense {
    /// A layer with `weight` `[Σ segments, outputs]`.
    pub fn new(weight: &[f32], bias: &[f32], segments: &[usize], precision: Precision) -> Self {
        let outputs = bias.len();
        let packed = Packed::new(weight, weight.len() / outputs, outputs);
        let mut first = 0;
        let transposed = segments.iter().map(|&channels| {
            let rows = &weight[first * outputs..];
            first += channels;
            Operand::new(Packed::transposed(rows, outputs, outputs, channels), outputs, precision)
        });
        let transposed = transposed.collect();
        Self { weight: Operand::new(packed, 1, precision), transposed, bias: bias.to_vec() }
    }

    pub fn forward(&self, maps: &[&Map]) -> Map {
        let rows: Vec<Rows> = maps.iter().map(|map| rows(map)).collect();
        let data = dense::forward(&rows, &self.weight, &self.bias);
        Map { height: maps[0].height, width: maps[0].width, channels: self.bias.len(), data }
    }

    /// The gradient by input number `input`.
    pub fn backward(&self, gradient: &Map, input: usize) -> Map {
        let operand = &self.transposed[input];
        let data = dense::forward(&[rows(gradient)], operand, &[]);
        Map { height: gradient.height, width: gradient.width, channels: operand.n(), data }
    }
}

/// A matrix to `ratio`² times the channels, and pixel shuffle.
#[derive(Debug)]
pub(super) struct Up {
    ratio: usize,
    inputs: usize,
    weights: Vec<Operand>,
    transposed: Operand,
    bias: Vec<f32>,
}

impl Up {
    /// A layer with `weight` `[inputs, ratio² · channels]`.
    pub fn new(weight: &[f32], bias: &[f32], ratio: usize, precision: Precision) -> Self {
        let (outputs, inputs) = (bias.len(), weight.len() / bias.len());
        let group = outputs / ratio;
        let row = |i: usize| Packed::strided(&weight[i * group..], outputs, inputs, group);
        let weights = (0..ratio).map(|i| Operand::new(row(i), inputs, precision)).collect();
        let transposed = Operand::new(Packed::transposed(weight, outputs, outputs, inputs), group, precision);
        Self { ratio, inputs, weights, transposed, bias: bias.to_vec() }
    }

    fn channels(&self) -> usize {
        self.bias.len() / (self.ratio * self.ratio)
    }

    pub fn forward(&self, map: &Map) -> Map {
        let (r, channels) = (self.ratio, self.channels());
        let layout = Windows::shuffle(1, map.height, map.width, r, channels);
        let data = windows::scatter(layout, &map.data, &self.weights, &self.bias);
        Map { height: r * map.height, width: r * map.width, channels, data }
    }

    pub fn backward(&self, gradient: &Map) -> Map {
        let (height, width) = (gradient.height / self.ratio, gradient.width / self.ratio);
        let layout = Windows::shuffle(1, height, width, self.ratio, self.channels());
        let data = windows::gather(layout, &gradient.data, &self.transposed, &[]);
        Map { height, width, channels: self.inputs, data }
    }
}

fn rows(map: &Map) -> Rows<'_> {
    Rows { values: &map.data, channels: map.channels }
}

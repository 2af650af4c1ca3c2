//! The 1×1 convolution.

use rayon::prelude::*;

use crate::aligned::Aligned;
use crate::integer::{Add, Left, Linear, Write, multiply};
use crate::map::Map;
use crate::simd::{Engine, Job, Simd};

/// Pixels that one task works on at least, so that small maps are not split into tiny tasks.
const TASK_PIXELS: usize = 96;

/// Most inputs of one layer.
const MAX_INPUTS: usize = 4;

impl Engine {
    /// 1×1 convolution of the inputs' concatenated channels.
    ///
    /// # Panics
    /// If the inputs differ in height or width, or if their channels are not the segments of the
    /// layer.
    pub fn dense(self, layer: &Linear, inputs: &[&Map]) -> Map {
        let (height, width) = inputs.first().map_or((0, 0), |map| (map.height, map.width));
        let mut out = Map::zeros(height, width, layer.outputs());
        self.dense_onto(layer, inputs, &mut out, false);
        out
    }

    /// Adds the 1×1 convolution of `input` to `out`.
    ///
    /// # Panics
    /// If the maps differ in their number of pixels, or if their channels are not those of the
    /// layer.
    pub fn dense_add(self, layer: &Linear, input: &Map, out: &mut Map) {
        self.dense_onto(layer, &[input], out, true);
    }

    /// The layer's outputs for one pixel.
    ///
    /// # Panics
    /// If `input` does not have the layer's inputs.
    pub fn dense_vector(self, layer: &Linear, input: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; layer.outputs()];
        self.run(Pixels { layer, inputs: &[input], out: &mut out, add: false });
        out
    }

    fn dense_onto(self, layer: &Linear, inputs: &[&Map], out: &mut Map, add: bool) {
        let n = layer.outputs();
        assert!(inputs.len() <= MAX_INPUTS && inputs.len() == layer.segments().len());
        assert!(out.channels == n && inputs.iter().all(|map| map.pixels() == out.pixels()));
        assert!(inputs.iter().zip(layer.segments()).all(|(map, segment)| map.channels == *segment));
        out.data.par_chunks_mut(TASK_PIXELS * n).enumerate().for_each(|(task, out)| {
            let first = task * TASK_PIXELS;
            let pixels = out.len() / n;
            let mut parts: [&[f32]; MAX_INPUTS] = [&[]; MAX_INPUTS];
            for (part, map) in parts.iter_mut().zip(inputs) {
                *part = &map.data[first * map.channels..(first + pixels) * map.channels];
            }
            self.run(Pixels { layer, inputs: &parts[..inputs.len()], out, add });
        });
    }
}

/// Some pixels of all inputs, one after the other.
struct Pixels<'a> {
    layer: &'a Linear,
    inputs: &'a [&'a [f32]],
    out: &'a mut [f32],
    add: bool,
}

impl Job for Pixels<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Pixels { layer, inputs, out, add } = self;
        let n = layer.outputs();
        let m = out.len() / n;
        let strides = layer.segments().iter().map(|k| k.next_multiple_of(2));
        let mut integers = Aligned::zeros(m * strides.sum::<usize>());
        let mut rest = &mut integers[..];
        let mut lefts = [Left { data: &[], row: 0, k: 0 }; MAX_INPUTS];
        for ((left, &k), input) in lefts.iter_mut().zip(layer.segments()).zip(inputs) {
            assert_eq!(input.len(), m * k, "an input has other channels than the layer");
            let stride = k.next_multiple_of(2);
            let (data, after) = rest.split_at_mut(m * stride);
            rest = after;
            if stride == k {
                layer.input().quantise::<S>(input, data);
            } else {
                for (pixel, out) in input.chunks_exact(k).zip(data.chunks_exact_mut(stride)) {
                    layer.input().quantise::<S>(pixel, out);
                }
            }
            layer.input().observe(data);
            *left = Left { data, row: stride, k };
        }
        let lefts = &lefts[..inputs.len()];
        if add {
            multiply::<S, _>(lefts, layer, m, &mut Add { out, stride: n });
        } else {
            multiply::<S, _>(lefts, layer, m, &mut Write { out, stride: n });
        }
    }
}

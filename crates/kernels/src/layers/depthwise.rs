//! The depthwise convolution as a layer of its own.

use rayon::prelude::*;

use super::MAX_KERNEL;
use crate::aligned::Aligned;
use crate::integer::{Depthwise, PairRow};
use crate::map::Map;
use crate::simd::{Engine, Job, Simd};

impl Engine {
    /// Depthwise convolution with zero padding.
    ///
    /// # Panics
    /// If the channels are not those of the layer, or if its kernel is larger than 15.
    pub fn depthwise(self, layer: &Depthwise, input: &Map) -> Map {
        let channels = layer.channels();
        assert!(input.channels == channels && layer.kernel() <= MAX_KERNEL);
        let mut out = Map::zeros(input.height, input.width, channels);
        let row = (input.width * channels).max(1);
        out.data.par_chunks_mut(row).enumerate().for_each(|(y, out)| {
            self.run(Row { layer, input, y, out });
        });
        out
    }
}

struct Row<'a> {
    layer: &'a Depthwise,
    input: &'a Map,
    y: usize,
    out: &'a mut [f32],
}

impl Job for Row<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Row { layer, input, y, out } = self;
        let (channels, k, radius) = (layer.channels(), layer.kernel(), layer.radius());
        let padded = layer.row_length(input.width);
        let mut pairs = Aligned::<i32>::zeros(k * padded);
        for (ky, out) in pairs.chunks_exact_mut(padded).enumerate() {
            let source = (y + ky).checked_sub(radius).filter(|&y| y < input.height);
            let source = source.map(|y| &input.data[y * input.width * channels..][..input.width * channels]);
            PairRow { input: layer.input(), channels, radius, out }.fill::<S>(source);
        }
        let mut taps: [&[i32]; MAX_KERNEL] = [&[]; MAX_KERNEL];
        for (tap, row) in taps.iter_mut().zip(pairs.chunks_exact(padded)) {
            *tap = row;
        }
        layer.row::<S>(&taps[..k], out, input.width);
    }
}

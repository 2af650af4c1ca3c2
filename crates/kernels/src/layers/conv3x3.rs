//! The 3×3 convolution.

use rayon::prelude::*;

use crate::aligned::Aligned;
use crate::integer::{Left, Linear, Write, multiply};
use crate::map::Map;
use crate::simd::{Engine, Job, Simd};

impl Engine {
    /// 3×3 convolution with zero padding. The layer has three segments, one for each row of the
    /// kernel, each with the values of three pixels.
    ///
    /// # Panics
    /// If the channels are not those of the layer.
    pub fn conv3x3(self, layer: &Linear, input: &Map) -> Map {
        assert!(layer.segments() == [3 * input.channels; 3] && input.channels.is_multiple_of(2));
        let mut out = Map::zeros(input.height, input.width, layer.outputs());
        let row = out.width * out.channels;
        out.data.par_chunks_mut(row.max(1)).enumerate().for_each(|(y, out)| {
            self.run(Row { layer, input, y, out });
        });
        out
    }
}

struct Row<'a> {
    layer: &'a Linear,
    input: &'a Map,
    y: usize,
    out: &'a mut [f32],
}

impl Job for Row<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Row { layer, input, y, out } = self;
        let (m, c) = (input.width, input.channels);
        let padded = (m + 2) * c;
        let mut integers = Aligned::<i16>::zeros(3 * padded);
        for (ky, row) in integers.chunks_exact_mut(padded).enumerate() {
            let Some(source) = (y + ky).checked_sub(1).filter(|&y| y < input.height) else { continue };
            layer.input().quantise::<S>(&input.data[source * m * c..][..m * c], &mut row[c..][..m * c]);
        }
        layer.input().observe(&integers);
        // The windows of neighbouring pixels overlap by two pixels.
        let lefts = [0, 1, 2].map(|ky| Left { data: &integers[ky * padded..][..padded], row: c, k: 3 * c });
        let stride = layer.outputs();
        multiply::<S, _>(&lefts, layer, m, &mut Write { out, stride });
    }
}

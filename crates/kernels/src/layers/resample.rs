//! The layers that change the resolution: Down(r) and Up(r).

use rayon::prelude::*;

use crate::aligned::Aligned;
use crate::integer::{Finish, Left, Linear, Write, multiply};
use crate::map::Map;
use crate::simd::{Engine, Job, Simd};

/// Largest ratio of resolutions.
const MAX_RATIO: usize = 8;

impl Engine {
    /// Down(r): convolution whose kernel and stride are both `r`, from a map to one of `r` times
    /// fewer rows and columns. The layer has `r` segments, one for each row of a patch, each with
    /// the values of `r` pixels.
    ///
    /// # Panics
    /// If height and width are not multiples of `r`, if r is above 8, or if the channels are not
    /// those of the layer.
    pub fn down(self, layer: &Linear, r: usize, input: &Map) -> Map {
        let patch = r * input.channels;
        assert!((1..=MAX_RATIO).contains(&r) && input.height.is_multiple_of(r) && input.width.is_multiple_of(r));
        assert!(layer.segments().len() == r && layer.segments().iter().all(|&k| k == patch && k.is_multiple_of(2)));
        let mut out = Map::zeros(input.height / r, input.width / r, layer.outputs());
        let row = out.width * out.channels;
        out.data.par_chunks_mut(row.max(1)).enumerate().for_each(|(y, out)| {
            self.run(DownRow { layer, r, input, y, out });
        });
        out
    }

    /// Up(r): 1×1 convolution to `r²` times the channels, columns ordered (ry, rx, channel), then
    /// pixel shuffle to a map of `r` times more rows and columns.
    ///
    /// # Panics
    /// If the channels are not those of the layer.
    pub fn up(self, layer: &Linear, r: usize, input: &Map) -> Map {
        assert!(layer.segments() == [input.channels] && layer.outputs().is_multiple_of(r * r));
        let channels = layer.outputs() / (r * r);
        let mut out = Map::zeros(input.height * r, input.width * r, channels);
        let rows = r * out.width * channels;
        out.data.par_chunks_mut(rows.max(1)).enumerate().for_each(|(y, out)| {
            self.run(UpRow { layer, r, input, y, out });
        });
        out
    }
}

struct DownRow<'a> {
    layer: &'a Linear,
    r: usize,
    input: &'a Map,
    y: usize,
    out: &'a mut [f32],
}

impl Job for DownRow<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let DownRow { layer, r, input, y, out } = self;
        let (patch, row) = (r * input.channels, input.width * input.channels);
        let mut integers = Aligned::<i16>::zeros(r * row);
        layer.input().quantise::<S>(&input.data[y * r * row..][..r * row], &mut integers);
        layer.input().observe(&integers);
        let mut lefts = [Left { data: &[], row: patch, k: patch }; MAX_RATIO];
        for (left, data) in lefts.iter_mut().zip(integers.chunks_exact(row)) {
            left.data = data;
        }
        let stride = layer.outputs();
        multiply::<S, _>(&lefts[..r], layer, input.width / r, &mut Write { out, stride });
    }
}

struct UpRow<'a> {
    layer: &'a Linear,
    r: usize,
    input: &'a Map,
    y: usize,
    out: &'a mut [f32],
}

impl Job for UpRow<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let UpRow { layer, r, input, y, out } = self;
        let (m, c) = (input.width, input.channels);
        let stride = c.next_multiple_of(2);
        let mut integers = Aligned::<i16>::zeros(m * stride);
        for (pixel, out) in input.data[y * m * c..][..m * c].chunks_exact(c).zip(integers.chunks_exact_mut(stride)) {
            layer.input().quantise::<S>(pixel, out);
        }
        layer.input().observe(&integers);
        let left = Left { data: &integers, row: stride, k: c };
        let group = layer.outputs() / r;
        multiply::<S, _>(&[left], layer, m, &mut Shuffle { out, group, row: m * group });
    }
}

/// Writes each group of columns, a row of the pixels that one pixel becomes, to an output row of
/// its own.
struct Shuffle<'a> {
    out: &'a mut [f32],
    /// Columns of a group.
    group: usize,
    /// Values of an output row.
    row: usize,
}

impl<S: Simd> Finish<S> for Shuffle<'_> {
    #[inline(always)]
    fn take(&mut self, pixel: usize, first: usize, used: usize, outputs: S::V) {
        let place = |column: usize| column / self.group * self.row + pixel * self.group + column % self.group;
        if self.group.is_multiple_of(16) {
            let at = place(first);
            if let Some(out) = self.out[at..].first_chunk_mut::<16>() {
                S::store(outputs, out);
            }
            return;
        }
        let mut values = [0.0; 16];
        S::store(outputs, &mut values);
        let mut done = 0;
        while done < used {
            let column = first + done;
            let count = (self.group - column % self.group).min(used - done);
            self.out[place(column)..][..count].copy_from_slice(&values[done..done + count]);
            done += count;
        }
    }
}

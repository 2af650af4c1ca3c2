//! Rectangles of samples: cut out of rows, and blended into rows.

use crate::image::Samples;

/// A sample that can be mixed with another.
trait Sample: Copy + Default {
    /// (a·(of − weight) + b·weight + of/2) / of, rounded down.
    fn mix(a: Self, b: Self, weight: u32, of: u32) -> Self;
}

impl Sample for u8 {
    fn mix(a: Self, b: Self, weight: u32, of: u32) -> Self {
        ((u32::from(a) * (of - weight) + u32::from(b) * weight + of / 2) / of) as Self
    }
}

impl Sample for u16 {
    fn mix(a: Self, b: Self, weight: u32, of: u32) -> Self {
        ((u32::from(a) * (of - weight) + u32::from(b) * weight + of / 2) / of) as Self
    }
}

/// Rows of samples of one width.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub samples: Samples,
    /// Samples in a row: pixels times channels.
    pub stride: usize,
}

/// A rectangle of samples within rows: columns are counted in samples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
}

/// Where two tiles overlap: the first `overlap` pixels are mixed with what is there already, more
/// and more of the new. Pixel i has the weight (2i + 1) / (2·overlap).
#[derive(Clone, Copy, Debug)]
pub(super) struct Ramp {
    pub overlap: usize,
    /// The first of these pixels that is there.
    pub first: usize,
    pub channels: usize,
}

impl Rows {
    /// Rows of zeros.
    pub fn zeros(bits: u32, stride: usize, rows: usize) -> Self {
        let samples =
            if bits == 8 { Samples::U8(vec![0; stride * rows]) } else { Samples::U16(vec![0; stride * rows]) };
        Self { samples, stride }
    }

    pub fn rows(&self) -> usize {
        self.samples.len() / self.stride.max(1)
    }

    /// A copy of a rectangle, which lies within the rows.
    pub fn cut(&self, window: Window) -> Samples {
        fn copy<T: Copy>(data: &[T], stride: usize, w: Window) -> Vec<T> {
            let rows = data.chunks_exact(stride.max(1)).skip(w.y).take(w.height);
            rows.flat_map(|row| &row[w.x..w.x + w.width]).copied().collect()
        }
        match &self.samples {
            Samples::U8(data) => Samples::U8(copy(data, self.stride, window)),
            Samples::U16(data) => Samples::U16(copy(data, self.stride, window)),
        }
    }

    /// Puts `tile` at `x`, `y`: its columns from `skip` on (in samples), and only as far as the rows
    /// reach. With a ramp, its first columns are mixed with what is there.
    pub fn put(&mut self, tile: &Self, skip: usize, x: usize, y: usize, ramp: Option<Ramp>) {
        match (&mut self.samples, &tile.samples) {
            (Samples::U8(to), Samples::U8(from)) => put(to, self.stride, from, tile.stride, skip, (x, y), ramp),
            (Samples::U16(to), Samples::U16(from)) => put(to, self.stride, from, tile.stride, skip, (x, y), ramp),
            _ => {}
        }
    }

    /// Takes rows that were there before as the first rows, for the columns `begin .. end`.
    pub fn copy_rows(&mut self, before: &Self, count: usize, begin: usize, end: usize) {
        fn copy<T: Copy>(rows: &mut [T], before: &[T], stride: usize, count: usize, columns: (usize, usize)) {
            let pairs = rows.chunks_exact_mut(stride.max(1)).zip(before.chunks_exact(stride.max(1)));
            for (row, before) in pairs.take(count) {
                row[columns.0..columns.1].copy_from_slice(&before[columns.0..columns.1]);
            }
        }
        let columns = (begin, end);
        match (&mut self.samples, &before.samples) {
            (Samples::U8(rows), Samples::U8(before)) => copy(rows, before, self.stride, count, columns),
            (Samples::U16(rows), Samples::U16(before)) => copy(rows, before, self.stride, count, columns),
            _ => {}
        }
    }

    /// Mixes rows that were there before into the first rows, for the columns `begin .. end`. The first
    /// row is number `first` of the `overlap` rows that are mixed.
    pub fn blend_rows(&mut self, before: &Self, (first, overlap): (usize, usize), begin: usize, end: usize) {
        fn blend<T: Sample>(
            rows: &mut [T],
            before: &[T],
            stride: usize,
            (first, overlap): (usize, usize),
            columns: (usize, usize),
        ) {
            let pairs = rows.chunks_exact_mut(stride.max(1)).zip(before.chunks_exact(stride.max(1)));
            for (y, (row, before)) in (first..overlap).zip(pairs) {
                let weight = 2 * y as u32 + 1;
                let columns = columns.0..columns.1;
                row[columns.clone()].iter_mut().zip(&before[columns]).for_each(|(new, &old)| {
                    *new = T::mix(old, *new, weight, 2 * overlap as u32);
                });
            }
        }
        let columns = (begin, end);
        match (&mut self.samples, &before.samples) {
            (Samples::U8(rows), Samples::U8(before)) => blend(rows, before, self.stride, (first, overlap), columns),
            (Samples::U16(rows), Samples::U16(before)) => blend(rows, before, self.stride, (first, overlap), columns),
            _ => {}
        }
    }
}

fn put<T: Sample>(
    to: &mut [T],
    to_stride: usize,
    from: &[T],
    from_stride: usize,
    skip: usize,
    (x, y): (usize, usize),
    ramp: Option<Ramp>,
) {
    let rows = to.chunks_exact_mut(to_stride.max(1)).skip(y).zip(from.chunks_exact(from_stride.max(1)));
    for (to, from) in rows {
        let (to, from) = (&mut to[x..], &from[skip..]);
        let count = to.len().min(from.len());
        let mut done = 0;
        if let Some(Ramp { overlap, first, channels }) = ramp {
            let pixels = to.chunks_exact_mut(channels).zip(from.chunks_exact(channels));
            for (i, (to, from)) in (first..overlap).zip(pixels) {
                to.iter_mut().zip(from).for_each(|(old, &new)| {
                    *old = T::mix(*old, new, 2 * i as u32 + 1, 2 * overlap as u32);
                });
                done += channels;
            }
        }
        to[done..count].copy_from_slice(&from[done..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_samples_stay_equal_and_ramps_are_straight() {
        for v in [0u16, 1, 77, 65535] {
            for weight in 0..=64 {
                assert_eq!(u16::mix(v, v, weight, 64), v);
            }
        }
        let mut to = Rows { samples: Samples::U8(vec![0; 16]), stride: 8 };
        let from = Rows { samples: Samples::U8(vec![80; 12]), stride: 6 };
        to.put(&from, 0, 2, 0, Some(Ramp { overlap: 2, first: 0, channels: 2 }));
        assert_eq!(to.samples.as_u8().unwrap(), [[0, 0, 20, 20, 60, 60, 80, 80]; 2].concat());
        let mut below = Rows { samples: Samples::U8(vec![100; 16]), stride: 8 };
        below.blend_rows(&to, (0, 1), 2, 8);
        assert_eq!(below.samples.as_u8().unwrap()[..8], [100, 100, 60, 60, 80, 80, 90, 90]);
        assert_eq!(to.cut(Window { x: 2, y: 1, width: 4, height: 1 }), Samples::U8(vec![20, 20, 60, 60]));
    }
}

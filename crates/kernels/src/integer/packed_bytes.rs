//! Weights of integer products, laid out for tiles of bytes.

use crate::aligned::Aligned;
use crate::simd::amx::SIDE;

/// Bytes of a row of a tile: the length of the sums that one instruction adds to.
pub const STEP: usize = 64;

/// Columns that are computed together: two tiles.
pub const PANEL: usize = 2 * SIDE;

/// Bytes of the weights of a step of a panel.
pub const STEP_OF_PANEL: usize = STEP * PANEL;

/// Weights as AMX reads them: panels of 32 columns; within a panel, 64 rows after 64 rows; of
/// these, the first 16 columns before the others; and for those, four rows after four rows, side by
/// side for each column. Rows of each segment are filled up to 64 with zeros, columns to 32.
#[derive(Clone, Debug)]
pub struct PackedBytes {
    data: Aligned<i8>,
    steps: usize,
}

impl PackedBytes {
    /// Packs a row-major `[Σ segments, n]` slice.
    ///
    /// # Panics
    /// If the slice has another length.
    pub fn new(weight: &[i8], segments: &[usize], n: usize) -> PackedBytes {
        let k: usize = segments.iter().sum();
        assert!(n > 0 && weight.len() == k * n, "the matrix is not {k} × {n}");
        let steps: usize = segments.iter().map(|k| k.div_ceil(STEP)).sum();
        let mut data = Aligned::<i8>::zeros(n.div_ceil(PANEL) * steps * STEP_OF_PANEL);
        for (p, panel) in data.chunks_exact_mut((steps * STEP_OF_PANEL).max(1)).enumerate() {
            let mut steps = panel.chunks_exact_mut(STEP_OF_PANEL);
            let mut first = 0;
            for &segment in segments {
                let rows = &weight[first * n..(first + segment) * n];
                first += segment;
                for (rows, step) in rows.chunks(STEP * n).zip(&mut steps) {
                    for (half, tile) in step.chunks_exact_mut(STEP * SIDE).enumerate() {
                        let column = p * PANEL + half * SIDE;
                        for (rows, out) in rows.chunks(4 * n).zip(tile.as_chunks_mut::<STEP>().0) {
                            interleave(rows, n, column, out);
                        }
                    }
                }
            }
        }
        PackedBytes { data, steps }
    }

    /// The weights, panel after panel.
    pub fn data(&self) -> &[i8] {
        &self.data
    }

    /// Steps of 64 rows.
    pub fn steps(&self) -> usize {
        self.steps
    }
}

/// Up to four rows of `n` weights, 16 columns from `column` on, side by side.
fn interleave(rows: &[i8], n: usize, column: usize, out: &mut [i8; STEP]) {
    for (i, row) in rows.chunks_exact(n).enumerate() {
        let row = row.get(column..).unwrap_or_default();
        match row.first_chunk::<SIDE>() {
            Some(row) => (0..SIDE).for_each(|c| out[4 * c + i] = row[c]),
            None => row.iter().enumerate().for_each(|(c, &w)| out[4 * c + i] = w),
        }
    }
}

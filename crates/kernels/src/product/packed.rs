//! Right-hand matrices of products, laid out for the inner loop.

use std::ops::Range;

use crate::aligned::Aligned;

/// Columns of one packed panel: as many as a register tile has, so that a value of the left side is
/// copied to all lanes once for four multiply-adds. Each copy takes a slot of the units that strict
/// arithmetic multiplies and adds with.
pub const PANEL: usize = 64;

/// A right-hand matrix `[k, n]`, stored as panels of 64 columns that the inner loop reads from
/// beginning to end. Columns beyond `n` are zero.
#[derive(Clone, Debug)]
pub struct Packed {
    data: Aligned,
    k: usize,
    n: usize,
}

impl Packed {
    /// Packs `value(row, column)` for `k` rows and `n` columns.
    pub fn from_fn(k: usize, n: usize, value: impl Fn(usize, usize) -> f32) -> Packed {
        let mut data = Packed::zeros(k, n);
        for (p, panel) in data.chunks_exact_mut((k * PANEL).max(1)).enumerate() {
            let used = PANEL.min(n - p * PANEL);
            for (row, out) in panel.chunks_exact_mut(PANEL).enumerate() {
                for (j, o) in out[..used].iter_mut().enumerate() {
                    *o = value(row, p * PANEL + j);
                }
            }
        }
        Packed { data, k, n }
    }

    /// Packs a row-major `[k, n]` slice.
    ///
    /// # Panics
    /// If the length of the slice differs.
    pub fn new(weight: &[f32], k: usize, n: usize) -> Packed {
        assert_eq!(Some(weight.len()), k.checked_mul(n), "matrix is not {k} x {n}");
        Packed::strided(weight, n, k, n)
    }

    /// Packs the first `n` columns of `k` rows that begin `stride` values apart.
    ///
    /// # Panics
    /// If the slice is too short.
    pub fn strided(weight: &[f32], stride: usize, k: usize, n: usize) -> Packed {
        let mut data = Packed::zeros(k, n);
        for (p, panel) in data.chunks_exact_mut((k * PANEL).max(1)).enumerate() {
            let used = PANEL.min(n - p * PANEL);
            for (row, out) in panel.chunks_exact_mut(PANEL).enumerate() {
                out[..used].copy_from_slice(&weight[row * stride + p * PANEL..][..used]);
            }
        }
        Packed { data, k, n }
    }

    /// Packs the transpose of the first `k` columns of `n` rows that begin `stride` values apart.
    ///
    /// # Panics
    /// If the slice is too short.
    pub fn transposed(weight: &[f32], stride: usize, k: usize, n: usize) -> Packed {
        /// Source columns at a time: the strip of the panel they go to stays in the nearest cache.
        const STRIP: usize = 16;
        let mut data = Packed::zeros(k, n);
        for (p, panel) in data.chunks_exact_mut((k * PANEL).max(1)).enumerate() {
            let used = PANEL.min(n - p * PANEL);
            for (i, strip) in panel.chunks_mut(STRIP * PANEL).enumerate() {
                let columns = strip.len() / PANEL;
                let source = |j: usize| &weight[(p * PANEL + j) * stride + i * STRIP..][..columns];
                // Blocks of 4×4, which the compiler transposes in registers, then the rest.
                let blocks = if columns == STRIP { used / 4 * 4 } else { 0 };
                for j in (0..blocks).step_by(4) {
                    let sources: [&[[f32; 4]]; 4] = std::array::from_fn(|r| source(j + r).as_chunks().0);
                    for (q, strip) in strip.chunks_exact_mut(4 * PANEL).enumerate() {
                        let [a, b, c, d] = sources.map(|source| source[q]);
                        for (r, out) in strip.chunks_exact_mut(PANEL).enumerate() {
                            out[j..j + 4].copy_from_slice(&[a[r], b[r], c[r], d[r]]);
                        }
                    }
                }
                for j in blocks..used {
                    for (out, x) in strip[j..].iter_mut().step_by(PANEL).zip(source(j)) {
                        *out = *x;
                    }
                }
            }
        }
        Packed { data, k, n }
    }

    /// Room for the panels of a `[k, n]` matrix.
    fn zeros(k: usize, n: usize) -> Aligned {
        let len = n.div_ceil(PANEL).checked_mul(PANEL).and_then(|columns| columns.checked_mul(k));
        Aligned::zeros(len.unwrap_or(usize::MAX))
    }

    /// Multiplies row i by `factors[i]`.
    pub fn scale_rows(&mut self, factors: &[f32]) {
        for panel in self.data.chunks_exact_mut((self.k * PANEL).max(1)) {
            for (row, factor) in panel.chunks_exact_mut(PANEL).zip(factors) {
                row.iter_mut().for_each(|x| *x *= factor);
            }
        }
    }

    /// Some rows of panel `p`, each of [`PANEL`] values.
    #[inline(always)]
    pub(super) fn panel(&self, p: usize, rows: &Range<usize>) -> &[f32] {
        &self.data[(p * self.k + rows.start) * PANEL..(p * self.k + rows.end) * PANEL]
    }

    /// Number of rows: the length of the sums.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Number of columns: the outputs.
    pub fn n(&self) -> usize {
        self.n
    }
}

#[cfg(test)]
mod portable {
    use super::*;
    use crate::testing::numbers;

    #[test]
    fn every_way_of_packing_gives_the_same_matrix() {
        for (k, n, stride) in [(1, 1, 1), (3, 5, 9), (16, 32, 40), (17, 33, 33), (40, 70, 71)] {
            let wide = numbers(k.max(n) * stride.max(k) + k.max(n), 1);
            let strided = Packed::strided(&wide, stride, k, n);
            assert_eq!(strided.data[..], Packed::from_fn(k, n, |i, j| wide[i * stride + j]).data[..], "{k} x {n}");
            let stride = stride.max(k);
            let mut transposed = Packed::transposed(&wide, stride, k, n);
            assert_eq!(transposed.data[..], Packed::from_fn(k, n, |i, j| wide[j * stride + i]).data[..], "{k} x {n}");
            let factors = numbers(k, 2);
            transposed.scale_rows(&factors);
            let scaled = Packed::from_fn(k, n, |i, j| wide[j * stride + i] * factors[i]);
            assert_eq!(transposed.data[..], scaled.data[..], "{k} x {n}");
        }
    }
}

//! Matrix products with a fixed order of summation.
//!
//! `C[m,n] = init[m,n] + Σ_k A[m,k]·B[k,n]`, each output accumulated in ascending `k` by one chain of
//! multiply-adds. Tiles, instruction sets and threads only choose *which* outputs are computed together, never the order within
//! one output, so the result is the same to the bit however it is computed.

use std::ops::Range;

use super::aligned::Aligned;
use super::simd::{Job, Simd};

/// Columns of one packed panel: as many as a register tile has, so that a value of the left side is spread over lanes once for
/// four multiply-adds. That costs a slot of the units that strict arithmetic multiplies and adds with.
pub const PANEL: usize = 64;

/// A right-hand matrix `[k, n]`, stored as panels of [`PANEL`] columns so that the inner loop reads it contiguously.
/// Columns beyond `n` are zero.
#[derive(Clone, Debug)]
pub struct Packed {
    data: Aligned,
    k: usize,
    n: usize,
}

impl Packed {
    /// Packs `value(row, column)` for `k` rows and `n` columns.
    pub fn from_fn(k: usize, n: usize, value: impl Fn(usize, usize) -> f32) -> Packed {
        let panels = n.div_ceil(PANEL);
        let mut data = Aligned::zeros(panels * k * PANEL);
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

    /// Packs a row-major `[k, n]` slice. Panics if the length differs (a programming error, not an input error).
    pub fn new(weight: &[f32], k: usize, n: usize) -> Packed {
        assert_eq!(weight.len(), k * n, "matrix is not {k} x {n}");
        Packed::strided(weight, n, k, n)
    }

    /// Packs the first `n` columns of `k` rows that lie `stride` values apart. Panics if the slice is too short.
    pub fn strided(weight: &[f32], stride: usize, k: usize, n: usize) -> Packed {
        let mut data = Aligned::zeros(n.div_ceil(PANEL) * k * PANEL);
        for (p, panel) in data.chunks_exact_mut((k * PANEL).max(1)).enumerate() {
            let used = PANEL.min(n - p * PANEL);
            for (row, out) in panel.chunks_exact_mut(PANEL).enumerate() {
                out[..used].copy_from_slice(&weight[row * stride + p * PANEL..][..used]);
            }
        }
        Packed { data, k, n }
    }

    /// Packs the transpose of the first `k` columns of `n` rows that lie `stride` values apart. Panics if the slice is too
    /// short.
    pub fn transposed(weight: &[f32], stride: usize, k: usize, n: usize) -> Packed {
        /// Source columns at a time, so that the strip of the panel they go to stays in the nearest cache.
        const STRIP: usize = 16;
        let mut data = Aligned::zeros(n.div_ceil(PANEL) * k * PANEL);
        for (p, panel) in data.chunks_exact_mut((k * PANEL).max(1)).enumerate() {
            let used = PANEL.min(n - p * PANEL);
            for (i, strip) in panel.chunks_mut(STRIP * PANEL).enumerate() {
                let columns = strip.len() / PANEL;
                let source = |j: usize| &weight[(p * PANEL + j) * stride + i * STRIP..][..columns];
                // Squares of four, which the compiler turns in registers, then the rest.
                let squares = if columns == STRIP { used / 4 * 4 } else { 0 };
                for j in (0..squares).step_by(4) {
                    let sources: [&[[f32; 4]]; 4] = std::array::from_fn(|r| source(j + r).as_chunks().0);
                    for (q, strip) in strip.chunks_exact_mut(4 * PANEL).enumerate() {
                        let [a, b, c, d] = sources.map(|source| source[q]);
                        for (r, out) in strip.chunks_exact_mut(PANEL).enumerate() {
                            out[j..j + 4].copy_from_slice(&[a[r], b[r], c[r], d[r]]);
                        }
                    }
                }
                for j in squares..used {
                    for (out, x) in strip[j..].iter_mut().step_by(PANEL).zip(source(j)) {
                        *out = *x;
                    }
                }
            }
        }
        Packed { data, k, n }
    }

    /// Multiplies row i by `factors[i]`.
    pub fn scale_rows(&mut self, factors: &[f32]) {
        for panel in self.data.chunks_exact_mut((self.k * PANEL).max(1)) {
            for (row, factor) in panel.chunks_exact_mut(PANEL).zip(factors) {
                row.iter_mut().for_each(|x| *x *= factor);
            }
        }
    }

    /// The panels, `[panel][row][PANEL]`.
    pub fn panels(&self) -> &[f32] {
        &self.data
    }

    /// Rows (length of the sums).
    pub fn k(&self) -> usize {
        self.k
    }

    /// Columns (outputs).
    pub fn n(&self) -> usize {
        self.n
    }
}

/// A strided view of a left-hand matrix: element (m, k) is `data[m·row + k·column]`.
#[derive(Clone, Copy)]
pub struct Left<'a> {
    pub data: &'a [f32],
    pub row: usize,
    pub column: usize,
}

impl<'a> Left<'a> {
    /// Rows of `stride` values, of which the first ones are the matrix.
    pub fn rows(data: &'a [f32], stride: usize) -> Left<'a> {
        Left { data, row: stride, column: 1 }
    }
}

/// What an output starts from.
#[derive(Clone, Copy)]
pub enum Start<'a> {
    /// A value per column.
    Bias(&'a [f32]),
    /// What the output already holds.
    Output,
    /// Zero.
    Zero,
}

impl Start<'_> {
    /// That of `columns` columns from `first` on.
    #[inline(always)]
    pub fn columns(self, first: usize, columns: usize) -> Self {
        match self {
            Start::Bias(bias) => Start::Bias(&bias[first..first + columns]),
            other => other,
        }
    }
}

/// `out[m, 0..n] = start + A·B[rows, 0..n]` for `m` rows; `out` has rows of `stride` values. `rows` picks the part of
/// the sum that `A` stands for, so that inputs lying apart (concatenated channels, the rows of a patch) need no copy.
///
/// # Panics
/// If a slice is too short for the shapes: checked once here so that the loops below need no checks.
#[inline(always)]
pub fn multiply<S: Simd>(
    m: usize,
    a: Left,
    b: &Packed,
    rows: Range<usize>,
    start: Start,
    out: &mut [f32],
    stride: usize,
) {
    if m == 0 || b.n == 0 {
        return;
    }
    for (p, first) in (0..b.n).step_by(PANEL).enumerate() {
        let columns = PANEL.min(b.n - first);
        let panel = &b.data[(p * b.k + rows.start) * PANEL..(p * b.k + rows.end) * PANEL];
        let right = Right { data: panel, row: PANEL };
        let start = start.columns(first, columns);
        S::call(Columns { m, k: rows.len(), a, right, columns, start, out: &mut out[first..], stride });
    }
}

/// `out[m, n] = start + Aᵀ·B` with row-major `A[k, m]` and `B[k, n]`, rows of `a_stride` and `b_stride` values: sums over
/// pixels, as weight gradients are.
///
/// Both sides are packed first, into `scratch`: read where they lie, rows a power of two apart would share few cache sets.
#[inline(always)]
#[allow(clippy::too_many_arguments)] // a matrix product has this many extents
pub fn multiply_transposed<S: Simd>(
    m: usize,
    k: usize,
    n: usize,
    a: &[f32],
    a_stride: usize,
    b: &[f32],
    b_stride: usize,
    start: Start,
    out: &mut [f32],
    stride: usize,
    scratch: &mut Vec<f32>,
) {
    let (blocks, panels) = (m.div_ceil(BLOCK), n.div_ceil(SUM_PANEL));
    let (block_pitch, panel_pitch) = (k * BLOCK + SPACE, k * SUM_PANEL + SPACE);
    let needed = blocks * block_pitch + panels * panel_pitch;
    if scratch.len() < needed {
        scratch.resize(needed, 0.0);
    }
    let (left, right) = scratch[..needed].split_at_mut(blocks * block_pitch);
    pack_columns::<BLOCK>(a, a_stride, m, k, left, block_pitch);
    pack_columns::<SUM_PANEL>(b, b_stride, n, k, right, panel_pitch);
    for (p, panel) in right.chunks_exact(panel_pitch).enumerate() {
        let first = p * SUM_PANEL;
        let columns = SUM_PANEL.min(n - first);
        let start = start.columns(first, columns);
        for (i, block) in left.chunks_exact(block_pitch).enumerate() {
            let a = Left { data: block, row: 1, column: BLOCK };
            let right = Right { data: panel, row: SUM_PANEL };
            let out = &mut out[i * BLOCK * stride + first..];
            S::call(Columns { m: BLOCK.min(m - i * BLOCK), k, a, right, columns, start, out, stride });
        }
    }
}

/// Rows of one packed block of the left side.
const BLOCK: usize = 8;

/// Columns of one packed panel of the right side.
const SUM_PANEL: usize = 32;

/// Values between packed strips: without them, strips of a power of two rows would share few cache sets.
const SPACE: usize = 16;

/// Copies `columns` columns of a row-major matrix into strips of `W` columns, `[strip][row][W]`, strips `pitch` values apart.
#[inline(always)]
fn pack_columns<const W: usize>(
    from: &[f32],
    stride: usize,
    columns: usize,
    rows: usize,
    to: &mut [f32],
    pitch: usize,
) {
    for row in 0..rows {
        let (whole, rest) = from[row * stride..][..columns].as_chunks::<W>();
        for (strip, from) in whole.iter().enumerate() {
            to[strip * pitch + row * W..][..W].copy_from_slice(from);
        }
        if !rest.is_empty() {
            let to = &mut to[whole.len() * pitch + row * W..][..W];
            to[..rest.len()].copy_from_slice(rest);
            to[rest.len()..].fill(0.0);
        }
    }
}

#[derive(Clone, Copy)]
struct Right<'a> {
    data: &'a [f32],
    row: usize,
}

/// At most [`PANEL`] columns of a product. Reads `columns` of `right`, rounded up to a multiple of 16.
struct Columns<'a> {
    m: usize,
    k: usize,
    a: Left<'a>,
    right: Right<'a>,
    columns: usize,
    start: Start<'a>,
    out: &'a mut [f32],
    stride: usize,
}

impl Job for Columns<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Columns { m, k, a, right, columns, start, out, stride } = self;
        let width = columns.next_multiple_of(16);
        assert!(k == 0 || (m - 1) * a.row + (k - 1) * a.column < a.data.len(), "left matrix too short");
        assert!(k == 0 || (k - 1) * right.row + width <= right.data.len(), "right matrix too short");
        assert!((m - 1) * stride + columns <= out.len(), "output too short");
        if let Start::Bias(bias) = start {
            assert!(bias.len() >= columns, "bias too short");
        }
        let mut row = 0;
        // SAFETY: the extents were checked above; every tile lies within rows `row..row+R` < m and `width` columns.
        unsafe {
            while row < m {
                let mut first = 0;
                let step = match m - row {
                    6.. if S::WIDE && columns == 64 => 6,
                    8.. if S::WIDE && columns < 64 => 8,
                    4.. => 4,
                    2.. if S::WIDE => 2,
                    _ => 1,
                };
                if S::WIDE && columns == 64 {
                    match step {
                        6 => tile::<S, 6, 4>(k, a, row, right, 0, start, 64, out, stride),
                        4 => tile::<S, 4, 4>(k, a, row, right, 0, start, 64, out, stride),
                        2 => tile::<S, 2, 4>(k, a, row, right, 0, start, 64, out, stride),
                        _ => tile::<S, 1, 4>(k, a, row, right, 0, start, 64, out, stride),
                    }
                    first = 64;
                } else if S::WIDE && columns >= 32 {
                    match step {
                        8 => tile::<S, 8, 2>(k, a, row, right, 0, start, 32, out, stride),
                        4 => tile::<S, 4, 2>(k, a, row, right, 0, start, 32, out, stride),
                        2 => tile::<S, 2, 2>(k, a, row, right, 0, start, 32, out, stride),
                        _ => tile::<S, 1, 2>(k, a, row, right, 0, start, 32, out, stride),
                    }
                    first = 32;
                }
                while first < columns {
                    let used = 16.min(columns - first);
                    match step {
                        8 => tile::<S, 8, 1>(k, a, row, right, first, start, used, out, stride),
                        4 => tile::<S, 4, 1>(k, a, row, right, first, start, used, out, stride),
                        2 => tile::<S, 2, 1>(k, a, row, right, first, start, used, out, stride),
                        _ => tile::<S, 1, 1>(k, a, row, right, first, start, used, out, stride),
                    }
                    first += 16;
                }
                row += step;
            }
        }
    }
}

/// One register tile: `R` rows × `16·N` columns.
///
/// # Safety
/// Rows `row..row+R` and columns `first..first+16·N` lie within `a` and `right` for all `k`; the first `used`
/// of those columns lie within `out` (and `start`); `used == 16·N` unless `N == 1`.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn tile<S: Simd, const R: usize, const N: usize>(
    k: usize,
    a: Left,
    row: usize,
    right: Right,
    first: usize,
    start: Start,
    used: usize,
    out: &mut [f32],
    stride: usize,
) {
    unsafe {
        let out = out.as_mut_ptr().add(row * stride + first);
        let whole = used == 16 * N;
        let mut acc = [[S::splat(0.0); N]; R];
        match start {
            Start::Zero => {}
            Start::Bias(bias) => {
                for j in 0..N {
                    let v = load_some::<S>(bias.as_ptr().add(first + 16 * j), if whole { 16 } else { used });
                    for acc in &mut acc {
                        acc[j] = v;
                    }
                }
            }
            Start::Output => {
                for (r, acc) in acc.iter_mut().enumerate() {
                    for (j, acc) in acc.iter_mut().enumerate() {
                        *acc = load_some::<S>(out.add(r * stride + 16 * j), if whole { 16 } else { used });
                    }
                }
            }
        }
        let mut left = a.data.as_ptr().add(row * a.row);
        let mut b = right.data.as_ptr().add(first);
        for _ in 0..k {
            let mut columns = [S::splat(0.0); N];
            for (j, c) in columns.iter_mut().enumerate() {
                *c = S::load_ptr(b.add(16 * j));
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                let x = S::splat(*left.add(r * a.row));
                for (acc, &c) in acc.iter_mut().zip(&columns) {
                    *acc = S::mul_add(x, c, *acc);
                }
            }
            left = left.wrapping_add(a.column);
            b = b.wrapping_add(right.row);
        }
        for (r, acc) in acc.iter().enumerate() {
            for (j, &v) in acc.iter().enumerate() {
                let to = out.add(r * stride + 16 * j);
                if whole {
                    S::store_ptr(v, to);
                } else {
                    let mut x = [0.0; 16];
                    S::store(v, &mut x);
                    std::ptr::copy_nonoverlapping(x.as_ptr(), to, used);
                }
            }
        }
    }
}

/// # Safety
/// `x` is valid for reading `used` ≤ 16 values.
#[inline(always)]
unsafe fn load_some<S: Simd>(x: *const f32, used: usize) -> S::V {
    if used == 16 {
        // SAFETY: promised by the caller.
        return unsafe { S::load_ptr(x) };
    }
    let mut v = [0.0; 16];
    // SAFETY: `used` values are readable, and fewer than the array holds.
    unsafe { std::ptr::copy_nonoverlapping(x, v.as_mut_ptr(), used) };
    S::load(&v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Isa, run_fused};

    fn numbers(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

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

    struct Transposed<'a> {
        shape: (usize, usize, usize),
        a: &'a [f32],
        b: &'a [f32],
    }

    impl Job for Transposed<'_> {
        type Output = Vec<f32>;
        #[inline(always)]
        fn run<S: Simd>(self) -> Vec<f32> {
            let (m, k, n) = self.shape;
            let mut out = vec![1.0; m * n];
            let mut scratch = Vec::new();
            // Twice with one scratch: what the first leaves in it must not matter.
            multiply_transposed::<S>(m, k, n, self.a, m + 1, self.b, n + 2, Start::Output, &mut out, n, &mut scratch);
            multiply_transposed::<S>(m, k, n, self.a, m + 1, self.b, n + 2, Start::Zero, &mut out, n, &mut scratch);
            out
        }
    }

    #[test]
    fn the_transposed_product_is_the_plain_sum_in_ascending_order() {
        for shape @ (m, k, n) in [(1, 1, 1), (8, 128, 32), (9, 7, 33), (20, 130, 47)] {
            let (a, b) = (numbers(k * (m + 1), 3), numbers(k * (n + 2), 4));
            let want: Vec<f32> = (0..m * n)
                .map(|i| (0..k).fold(0.0f32, |sum, p| a[p * (m + 1) + i / n].mul_add(b[p * (n + 2) + i % n], sum)))
                .collect();
            assert_eq!(run_fused(Isa::best(), Transposed { shape, a: &a, b: &b }), want, "{m} x {k} x {n}");
        }
    }
}

//! Products of a transposed matrix: sums over pixels, as the gradients of weights are.

use super::matrix::{Matrix, MatrixMut};
use super::start::Start;
use super::tile::{Columns, Left, Right};
use crate::simd::Simd;

/// Rows of one packed block of the left side.
pub(super) const BLOCK: usize = 8;

/// Columns of one packed panel of the right side.
pub(super) const SUM_PANEL: usize = 32;

/// Values between packed strips: without them, strips of a power of two rows would share few cache
/// sets.
const SPACE: usize = 16;

/// `out = start + Aᵀ·B`: A is `[k, m]`, B `[k, n]`, `out` `[m, n]`.
///
/// Both sides are packed into `scratch` first, which grows as needed: read where they lie, rows a
/// power of two apart would share few cache sets.
///
/// # Panics
/// If the shapes do not match.
#[inline(always)]
pub fn multiply_transposed<S: Simd>(a: Matrix, b: Matrix, start: Start, out: MatrixMut, scratch: &mut Vec<f32>) {
    let strips = Strips::new(a, b, a.rows(), BLOCK);
    let needed = strips.values();
    if scratch.len() < needed {
        scratch.resize(needed, 0.0);
    }
    let (left, right) = strips.split(&mut scratch[..needed]);
    pack_columns::<BLOCK>(a, left, strips.block_pitch);
    pack_columns::<SUM_PANEL>(b, right, strips.panel_pitch);
    strips.multiply(left, right, start, out, |columns| S::call(columns));
}

/// Both sides of a product, cut into strips of columns: blocks of [`BLOCK`] on the left, panels of
/// [`SUM_PANEL`] on the right.
pub(super) struct Strips {
    m: usize,
    n: usize,
    k: usize,
    blocks: usize,
    panels: usize,
    pub block_pitch: usize,
    pub panel_pitch: usize,
}

impl Strips {
    /// The strips of `Aᵀ·B` with `k` values in each column of a strip. Columns of A are rounded up
    /// to a multiple of `round`.
    #[inline(always)]
    pub fn new(a: Matrix, b: Matrix, k: usize, round: usize) -> Strips {
        assert_eq!(a.rows(), b.rows(), "shapes differ");
        let (m, n) = (a.columns(), b.columns());
        Strips {
            m,
            n,
            k,
            blocks: m.div_ceil(round) * (round / BLOCK),
            panels: n.div_ceil(SUM_PANEL),
            block_pitch: k * BLOCK + SPACE,
            panel_pitch: k * SUM_PANEL + SPACE,
        }
    }

    /// Number of values in all strips.
    #[inline(always)]
    pub fn values(&self) -> usize {
        self.blocks * self.block_pitch + self.panels * self.panel_pitch
    }

    /// The blocks and the panels of a slice for [`Strips::values`].
    #[inline(always)]
    pub fn split<'a>(&self, values: &'a mut [f32]) -> (&'a mut [f32], &'a mut [f32]) {
        values.split_at_mut(self.blocks * self.block_pitch)
    }

    /// Computes the product of packed strips: `product` multiplies one block by one panel.
    #[inline(always)]
    pub fn multiply(&self, left: &[f32], right: &[f32], start: Start, out: MatrixMut, product: impl Fn(Columns)) {
        let Strips { m, n, k, .. } = *self;
        assert!(out.rows() == m && out.columns() == n, "shapes differ");
        let (stride, out) = (out.stride(), out.into_values());
        for (p, panel) in right.chunks_exact(self.panel_pitch).enumerate() {
            let first = p * SUM_PANEL;
            let columns = SUM_PANEL.min(n - first);
            let start = start.columns(first, columns);
            for (i, block) in left.chunks_exact(self.block_pitch).take(m.div_ceil(BLOCK)).enumerate() {
                let left = Left { data: block, row: 1, step: BLOCK };
                let right = Right { data: panel, step: SUM_PANEL };
                let out = &mut out[i * BLOCK * stride + first..];
                product(Columns { m: BLOCK.min(m - i * BLOCK), k, left, right, columns, start, out, stride });
            }
        }
    }
}

/// Copies a matrix into strips of `W` columns, `[strip][row][W]`, that begin `pitch` values apart.
/// The last strip is filled up with zeros.
#[inline(always)]
fn pack_columns<const W: usize>(from: Matrix, to: &mut [f32], pitch: usize) {
    for row in 0..from.rows() {
        let (whole, rest) = from.row(row).as_chunks::<W>();
        for strip in 0..whole.len() {
            match to[strip * pitch + row * W..].first_chunk_mut::<W>() {
                Some(to) => *to = whole[strip],
                None => panic!("no room for the strips"),
            }
        }
        if !rest.is_empty() {
            let to = &mut to[whole.len() * pitch + row * W..][..W];
            to[..rest.len()].copy_from_slice(rest);
            to[rest.len()..].fill(0.0);
        }
    }
}

#[cfg(test)]
mod portable {
    use super::*;
    use crate::simd::{Engine, Isa, Job, Scalar};
    use crate::testing::numbers;

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
            let (a, b) = (Matrix::new(self.a, k, m, m + 1), Matrix::new(self.b, k, n, n + 2));
            let mut out = vec![1.0; m * n];
            let mut scratch = Vec::new();
            // Twice with one scratch: what the first leaves in it must not matter.
            for start in [Start::Output, Start::Zero] {
                multiply_transposed::<S>(a, b, start, MatrixMut::new(&mut out, m, n, n), &mut scratch);
            }
            out
        }
    }

    #[test]
    fn the_transposed_product_is_the_plain_sum_in_ascending_order() {
        for shape @ (m, k, n) in [(1, 1, 1), (9, 7, 33), (8, 128, 32), (20, 130, 47)] {
            if cfg!(miri) && k > 100 {
                continue;
            }
            let (a, b) = (numbers(k * (m + 1), 3), numbers(k * (n + 2), 4));
            let want: Vec<f32> = (0..m * n)
                .map(|i| (0..k).fold(0.0f32, |sum, p| a[p * (m + 1) + i / n] * b[p * (n + 2) + i % n] + sum))
                .collect();
            for isa in Isa::available() {
                assert_eq!(
                    Engine::at(isa).unwrap().run(Transposed { shape, a: &a, b: &b }),
                    want,
                    "{m} x {k} x {n}, {isa:?}"
                );
            }
            let wide = Transposed { shape, a: &a, b: &b }.run::<Scalar<false, true>>();
            assert_eq!(wide, want, "{m} x {k} x {n}, wide tiles");
        }
    }
}

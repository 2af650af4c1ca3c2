//! Products with a packed matrix.

use std::ops::Range;

use super::matrix::{Matrix, MatrixMut};
use super::packed::{PANEL, Packed};
use super::start::Start;
use super::tile::{Columns, Left, Right};
use crate::simd::Simd;

/// `out = start + A·B[rows]`. `rows` picks the rows of B that the columns of A belong to, so that
/// inputs that lie apart (concatenated channels, the rows of a patch) need no copy: each is a
/// product of its own, the second and later ones from [`Start::Output`].
///
/// # Panics
/// If the shapes do not match: A is `[m, rows.len()]`, `rows` lie within B `[k, n]`, and `out` is
/// `[m, n]`.
#[inline(always)]
pub fn multiply<S: Simd>(a: Matrix, b: &Packed, rows: Range<usize>, start: Start, out: MatrixMut) {
    let (m, n) = (a.rows(), b.n());
    assert!(rows.start <= rows.end && rows.end <= b.k(), "rows are not within the right matrix");
    assert!(a.columns() == rows.len() && out.rows() == m && out.columns() == n, "shapes differ");
    if m == 0 || n == 0 {
        return;
    }
    let left = Left::rows_of(a);
    let (stride, out) = (out.stride(), out.into_values());
    for first in (0..n).step_by(PANEL) {
        let columns = PANEL.min(n - first);
        let right = Right { data: b.panel(first / PANEL, &rows), step: PANEL };
        let start = start.columns(first, columns);
        S::call(Columns { m, k: rows.len(), left, right, columns, start, out: &mut out[first..], stride });
    }
}

#[cfg(test)]
mod portable {
    use super::*;
    use crate::simd::{Engine, Isa, Job, Scalar};
    use crate::testing::numbers;

    /// A product in two parts, the first from a bias, with rows wider than the matrices.
    struct Parts<'a> {
        shape: (usize, usize, usize),
        a: &'a [f32],
        b: &'a Packed,
        bias: &'a [f32],
    }

    impl Job for Parts<'_> {
        type Output = Vec<f32>;
        #[inline(always)]
        fn run<S: Simd>(self) -> Vec<f32> {
            let (m, k, n) = self.shape;
            let (stride, cut) = (k + 1, k / 3);
            let mut out = vec![7.0; m * (n + 2)];
            let left = Matrix::new(self.a, m, cut, stride);
            multiply::<S>(left, self.b, 0..cut, Start::Bias(self.bias), MatrixMut::new(&mut out, m, n, n + 2));
            let left = Matrix::new(&self.a[cut..], m, k - cut, stride);
            multiply::<S>(left, self.b, cut..k, Start::Output, MatrixMut::new(&mut out, m, n, n + 2));
            out
        }
    }

    #[test]
    fn a_product_is_the_plain_sum_in_ascending_order() {
        let rows: &[usize] = if cfg!(miri) { &[1, 7] } else { &[1, 2, 3, 5, 6, 8, 13, 40] };
        let columns: &[usize] = if cfg!(miri) { &[3, 65] } else { &[1, 15, 16, 17, 32, 40, 48, 63, 64, 65, 150] };
        for &m in rows {
            for &n in columns {
                let k = 10;
                let (a, b, bias) = (numbers(m * (k + 1), 1), numbers(k * n, 2), numbers(n, 3));
                let want: Vec<f32> = (0..m * (n + 2))
                    .map(|i| {
                        let (i, j) = (i / (n + 2), i % (n + 2));
                        let sum = |start| (0..k).fold(start, |sum, p| a[i * (k + 1) + p] * b[p * n + j] + sum);
                        if j < n { sum(bias[j]) } else { 7.0 }
                    })
                    .collect();
                let packed = Packed::new(&b, k, n);
                let job = || Parts { shape: (m, k, n), a: &a, b: &packed, bias: &bias };
                for isa in Isa::available() {
                    assert_eq!(Engine::at(isa).unwrap().run(job()), want, "{m} x {n}, {isa:?}");
                }
                assert_eq!(job().run::<Scalar<false, true>>(), want, "{m} x {n}, wide tiles");
            }
        }
    }

    #[test]
    #[should_panic(expected = "rows are not within the right matrix")]
    fn rows_beyond_the_packed_matrix_are_refused() {
        struct Beyond;
        impl Job for Beyond {
            type Output = ();
            #[inline(always)]
            fn run<S: Simd>(self) {
                let (left, b, mut out) = (Matrix::new(&[0.0; 4], 1, 4, 4), Packed::new(&[0.0; 4], 4, 1), [0.0]);
                multiply::<S>(left, &b, 1..5, Start::Zero, MatrixMut::new(&mut out, 1, 1, 1));
            }
        }
        Engine::default().run(Beyond);
    }
}

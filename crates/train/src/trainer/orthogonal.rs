//! Orthogonalised momentum for weight matrices: the optimiser known as Muon (Jordan et al., 2024).
//!
//! A matrix is updated by the (semi-)orthogonal matrix nearest to its averaged gradient, so that
//! all directions are learned at the same speed; a plain gradient is dominated by a few.
//! Newton–Schulz steps find it by matrix products alone, without a decomposition.

use heirloom_kernels::product::{self, Matrix, MatrixMut, Packed, Start};
use heirloom_kernels::training::run;
use heirloom_kernels::{Job, Simd};

/// Coefficients (a, b, c) of X ← aX + bXXᵀX + c(XXᵀ)²X: steepest at zero, so that four steps bring
/// every singular value above 0.006 of the norm into 0.7 … 1.2.
const STEP: [f32; 3] = [3.4445, -4.775, 2.0315];
const STEPS: usize = 4;
/// Number of columns of a symmetric product that are computed together.
const STRIPE: usize = 64;

/// Brings the singular values of a row-major `rows` × `columns` matrix near 1. Zeros stay zeros.
#[must_use]
pub fn orthogonalised(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let rows_of_norm = matrix.chunks(256).map(|row| f64::from(row.iter().map(|x| x * x).sum::<f32>()));
    let norm = rows_of_norm.sum::<f64>().sqrt();
    if norm == 0.0 {
        return matrix.to_vec();
    }
    let factor = (1.0 / norm) as f32;
    // The products are cheapest for tall matrices.
    if rows >= columns {
        run(NewtonSchulz { x: matrix.iter().map(|x| x * factor).collect(), rows, columns })
    } else {
        let x = transposed(matrix, rows, columns, factor);
        transposed(&run(NewtonSchulz { x, rows: columns, columns: rows }), columns, rows, 1.0)
    }
}

/// Transpose of a matrix times `factor`.
fn transposed(matrix: &[f32], rows: usize, columns: usize, factor: f32) -> Vec<f32> {
    let mut out = vec![0.0; matrix.len()];
    // Strips of rows, so that the output stays in the nearest cache.
    for (i, strip) in matrix.chunks(16 * columns).enumerate() {
        for j in 0..columns {
            let to = &mut out[j * rows + 16 * i..][..strip.len() / columns];
            for (to, from) in to.iter_mut().zip(strip[j..].iter().step_by(columns)) {
                *to = factor * from;
            }
        }
    }
    out
}

/// The Newton–Schulz iteration on a tall matrix of norm 1.
struct NewtonSchulz {
    x: Vec<f32>,
    rows: usize,
    columns: usize,
}

impl Job for NewtonSchulz {
    type Output = Vec<f32>;
    /// Every step multiplies X from the right by a polynomial in XᵀX. These `columns` wide factors
    /// are multiplied with each other, and X is used only at the beginning and at the end: for tall
    /// matrices that takes a third of the products of updating X in every step.
    #[inline(always)]
    fn run<S: Simd>(self) -> Vec<f32> {
        let (m, n) = (self.rows, self.columns);
        let mut scratch = Vec::new();
        let mut square = vec![0.0; n * n];
        symmetric::<S>(&self.x, &self.x, m, n, &mut square, &mut scratch);
        let mut right = polynomial::<S>(&square, n, &mut scratch);
        let mut factor = right.clone();
        let mut spare = vec![0.0; n * n];
        for _ in 1..STEPS {
            // All of these are polynomials in the first square, so they commute, and their products
            // are symmetric.
            symmetric::<S>(&square, &factor, n, n, &mut spare, &mut scratch);
            symmetric::<S>(&spare, &factor, n, n, &mut square, &mut scratch);
            factor = polynomial::<S>(&square, n, &mut scratch);
            symmetric::<S>(&right, &factor, n, n, &mut spare, &mut scratch);
            std::mem::swap(&mut right, &mut spare);
        }
        let mut out = vec![0.0; m * n];
        let (left, right) = (Matrix::new(&self.x, m, n, n), Packed::new(&right, n, n));
        product::multiply::<S>(left, &right, 0..n, Start::Zero, MatrixMut::new(&mut out, m, n, n));
        out
    }
}

/// `a + b·G + c·G²` for a symmetric G of `n` rows.
#[inline(always)]
fn polynomial<S: Simd>(square: &[f32], n: usize, scratch: &mut Vec<f32>) -> Vec<f32> {
    let [a, b, c] = STEP;
    let mut out = vec![0.0; n * n];
    symmetric::<S>(square, square, n, n, &mut out, scratch);
    for (out, square) in out.iter_mut().zip(square) {
        *out = c * *out + b * square;
    }
    for i in 0..n {
        out[i * n + i] += a;
    }
    out
}

/// `out = XᵀY` for `x` and `y` of `m` rows and `n` columns whose product is symmetric. One triangle
/// is computed and mirrored.
#[inline(always)]
fn symmetric<S: Simd>(x: &[f32], y: &[f32], m: usize, n: usize, out: &mut [f32], scratch: &mut Vec<f32>) {
    for first in (0..n).step_by(STRIPE) {
        let columns = STRIPE.min(n - first);
        let (left, right) = (Matrix::new(x, m, first + columns, n), Matrix::new(&y[first..], m, columns, n));
        let out = MatrixMut::new(&mut out[first..], first + columns, columns, n);
        product::multiply_transposed::<S>(left, right, Start::Zero, out, scratch);
    }
    for i in 0..n {
        for j in 0..i {
            out[i * n + j] = out[j * n + i];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn singular_values_come_near_one_and_vectors_stay() {
        for (rows, columns) in [(48, 32), (32, 80), (40, 40), (80, 150)] {
            let mut values = vec![0f32; rows * columns];
            Random::new(3, rows as u64, 0).fill_centred(&mut values);
            let got = orthogonalised(&values, rows, columns);
            // The smaller Gram matrix of the result is near the identity: its trace near the rank,
            // and applying it changes no vector's length by more than singular values in 0.5 … 1.4
            // would.
            let (small, large) = (rows.min(columns), rows.max(columns));
            let at = |i: usize, k: usize| if rows < columns { got[i * columns + k] } else { got[k * columns + i] };
            let gram = |i, j| (0..large).map(|k| f64::from(at(i, k)) * f64::from(at(j, k))).sum::<f64>();
            let trace: f64 = (0..small).map(|i| gram(i, i)).sum();
            assert!((0.6..1.3).contains(&(trace / small as f64)), "mean square {}", trace / small as f64);
            for i in 0..small {
                let v: Vec<f64> = (0..small).map(|j| gram(i, j)).collect();
                let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
                assert!((0.2..2.0).contains(&length), "row {i} of the Gram matrix has length {length}");
            }
            // It points where the gradient points.
            let along: f64 = got.iter().zip(&values).map(|(a, b)| f64::from(a * b)).sum();
            assert!(along > 0.0);
        }
        assert_eq!(orthogonalised(&[0.0; 64], 8, 8), [0.0; 64]);
    }
}

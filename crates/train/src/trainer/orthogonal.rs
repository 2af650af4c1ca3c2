//! Orthogonalised momentum for weight matrices: the optimiser known as Muon (Jordan et al., 2024).
//!
//! A matrix is updated by the (semi-)orthogonal matrix nearest to its averaged gradient, so that
//! all directions are learned at the same speed; a plain gradient is dominated by a few.
//! Newton–Schulz steps find it by matrix products alone, without a decomposition.

use heirloom_kernels::product::{self, Matrix, MatrixMut, Operand, Packed, Precision, Start};
use heirloom_kernels::training::run;
use heirloom_kernels::{Job, Simd};

/// Coefficients (a, b, c) of X ← aX + bXXᵀX + c(XXᵀ)²X: steepest at zero, so that four steps bring
/// every singular value above 0.006 of the norm into 0.7 … 1.2.
const STEP: [f32; 3] = [3.4445, -4.775, 2.0315];
const STEPS: usize = 4;
/// Number of columns of a symmetric product that are computed together.
const STRIPE: usize = 64;

/// Brings the singular values of a row-major `rows` × `columns` matrix near 1. Zeros stay zeros.
/// Where that is faster, [`Precision::Bf16`] takes products of values that are cut into two of bf16
/// each, and the last one of bf16 values.
#[must_use]
pub fn orthogonalised(matrix: &[f32], rows: usize, columns: usize, precision: Precision) -> Vec<f32> {
    let rows_of_norm = matrix.chunks(256).map(|row| f64::from(row.iter().map(|x| x * x).sum::<f32>()));
    let norm = rows_of_norm.sum::<f64>().sqrt();
    if norm == 0.0 {
        return matrix.to_vec();
    }
    let factor = (1.0 / norm) as f32;
    let halves = precision == Precision::Bf16 && product::halves_are_faster();
    // The products are cheapest for tall matrices.
    if rows >= columns {
        run(NewtonSchulz { x: matrix.iter().map(|x| x * factor).collect(), rows, columns, halves })
    } else {
        let x = transposed(matrix, rows, columns, factor);
        transposed(&run(NewtonSchulz { x, rows: columns, columns: rows, halves }), columns, rows, 1.0)
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
    /// Whether factors are cut into two bf16 values.
    halves: bool,
}

impl Job for NewtonSchulz {
    type Output = Vec<f32>;
    /// Every step multiplies X from the right by a polynomial in XᵀX. These `columns` wide factors
    /// are multiplied with each other, and X is used only at the beginning and at the end: for tall
    /// matrices that takes a third of the products of updating X in every step.
    #[inline(always)]
    fn run<S: Simd>(self) -> Vec<f32> {
        let (m, n) = (self.rows, self.columns);
        let mut products = Products { halves: self.halves, scratch: Vec::new() };
        let mut square = vec![0.0; n * n];
        products.symmetric::<S>(&self.x, &self.x, m, n, &mut square);
        let mut right = products.polynomial::<S>(&square, n);
        let mut factor = right.clone();
        let mut spare = vec![0.0; n * n];
        for _ in 1..STEPS {
            // All of these are polynomials in the first square, so they commute, and their products
            // are symmetric.
            products.symmetric::<S>(&square, &factor, n, n, &mut spare);
            products.symmetric::<S>(&spare, &factor, n, n, &mut square);
            factor = products.polynomial::<S>(&square, n);
            products.symmetric::<S>(&right, &factor, n, n, &mut spare);
            std::mem::swap(&mut right, &mut spare);
        }
        let mut out = vec![0.0; m * n];
        // What the last product loses is not multiplied by another.
        let precision = if self.halves { Precision::Bf16 } else { Precision::Single };
        let right = Operand::new(Packed::new(&right, n, n), n, precision);
        right.multiply::<S>(Matrix::new(&self.x, m, n, n), 0..n, Start::Zero, MatrixMut::new(&mut out, m, n, n));
        out
    }
}

/// Symmetric products of square matrices.
struct Products {
    halves: bool,
    scratch: Vec<f32>,
}

impl Products {
    /// `a + b·G + c·G²` for a symmetric G of `n` rows.
    #[inline(always)]
    fn polynomial<S: Simd>(&mut self, square: &[f32], n: usize) -> Vec<f32> {
        let [a, b, c] = STEP;
        let mut out = vec![0.0; n * n];
        self.symmetric::<S>(square, square, n, n, &mut out);
        for (out, square) in out.iter_mut().zip(square) {
            *out = c * *out + b * square;
        }
        for i in 0..n {
            out[i * n + i] += a;
        }
        out
    }

    /// `out = XᵀY` for `x` and `y` of `m` rows and `n` columns whose product is symmetric. One
    /// triangle is computed and mirrored.
    #[inline(always)]
    fn symmetric<S: Simd>(&mut self, x: &[f32], y: &[f32], m: usize, n: usize, out: &mut [f32]) {
        if self.halves {
            // The product of the low halves is below the precision of the others.
            let [x_high, x_low] = halves(x);
            let of_y = if std::ptr::eq(x, y) { None } else { Some(halves(y)) };
            let [y_high, y_low] = of_y.as_ref().map_or([&x_high, &x_low], |of_y| of_y.each_ref());
            self.triangle::<S>((&x_high, y_high), m, n, Precision::Bf16, Start::Zero, out);
            self.triangle::<S>((&x_high, y_low), m, n, Precision::Bf16, Start::Output, out);
            self.triangle::<S>((&x_low, y_high), m, n, Precision::Bf16, Start::Output, out);
        } else {
            self.triangle::<S>((x, y), m, n, Precision::Single, Start::Zero, out);
        }
        mirror(out, n);
    }

    /// Computes `start + XᵀY` on and above the diagonal.
    #[inline(always)]
    fn triangle<S: Simd>(
        &mut self,
        (x, y): (&[f32], &[f32]),
        m: usize,
        n: usize,
        precision: Precision,
        start: Start,
        out: &mut [f32],
    ) {
        for first in (0..n).step_by(STRIPE) {
            let columns = STRIPE.min(n - first);
            let (left, right) = (Matrix::new(x, m, first + columns, n), Matrix::new(&y[first..], m, columns, n));
            let out = MatrixMut::new(&mut out[first..], first + columns, columns, n);
            product::multiply_transposed_in::<S>(precision, left, right, start, out, &mut self.scratch);
        }
    }
}

/// Each value rounded to bf16, and what is missing then.
#[inline(always)]
fn halves(values: &[f32]) -> [Vec<f32>; 2] {
    let mut halves = [vec![0.0; values.len()], vec![0.0; values.len()]];
    let [high, low] = &mut halves;
    for ((x, high), low) in values.iter().zip(high).zip(low) {
        *high = f32::from_bits(x.to_bits().wrapping_add(0x8000) & 0xffff_0000);
        *low = x - *high;
    }
    halves
}

/// Copies what is above the diagonal of an `n` × `n` matrix below it.
#[inline(always)]
fn mirror(matrix: &mut [f32], n: usize) {
    // Sixteen rows at a time, so that they stay in the nearest cache.
    for first in (0..n).step_by(16) {
        let end = n.min(first + 16);
        for j in 0..end {
            for i in first.max(j + 1)..end {
                matrix[i * n + j] = matrix[j * n + i];
            }
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
            let got = orthogonalised(&values, rows, columns, Precision::Single);
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
        assert_eq!(orthogonalised(&[0.0; 64], 8, 8, Precision::Single), [0.0; 64]);
    }

    #[test]
    fn bf16_changes_little() {
        for (rows, columns) in [(192, 64), (64, 200), (96, 96)] {
            // A few directions are much stronger than the others, as in gradients.
            let (mut a, mut b) = (vec![0f32; rows * 4], vec![0f32; 4 * columns]);
            let mut values = vec![0f32; rows * columns];
            Random::new(5, rows as u64, 0).fill_centred(&mut values);
            Random::new(6, rows as u64, 0).fill_centred(&mut a);
            Random::new(7, rows as u64, 0).fill_centred(&mut b);
            for (i, value) in values.iter_mut().enumerate() {
                let (row, column) = (i / columns, i % columns);
                *value *= 0.1;
                *value += (0..4).map(|k| a[row * 4 + k] * b[k * columns + column]).sum::<f32>();
            }
            let single = orthogonalised(&values, rows, columns, Precision::Single);
            let bf16 = orthogonalised(&values, rows, columns, Precision::Bf16);
            let norm = |x: &mut dyn Iterator<Item = f32>| x.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
            let error = norm(&mut single.iter().zip(&bf16).map(|(a, b)| a - b)) / norm(&mut single.iter().copied());
            // Directions next to zero, which a square matrix has, are the least certain.
            assert!(error < 0.05, "{rows} × {columns}: {error}");
        }
    }
}

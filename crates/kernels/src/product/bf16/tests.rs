//! Products of bf16 against sums in double precision, on machines that have them.

use super::*;
use crate::testing::numbers;

/// A finite value rounded to bf16, to nearest even.
fn rounded(x: f32) -> f64 {
    let bits = x.to_bits();
    f64::from(f32::from_bits(bits.wrapping_add(0x7fff + (bits >> 16 & 1)) & 0xffff_0000))
}

/// Σ of products of rounded values, in double precision.
fn dot(k: usize, a: impl Fn(usize) -> f32, b: impl Fn(usize) -> f32) -> f64 {
    (0..k).map(|i| rounded(a(i)) * rounded(b(i))).sum()
}

/// Checks the first `n` columns of rows of `stride` values; what lies between must be as before.
fn check(what: &str, out: &[f32], before: &[f32], n: usize, stride: usize, want: impl Fn(usize, usize) -> f64) {
    for (i, (value, before)) in out.iter().zip(before).enumerate() {
        let (row, column) = (i / stride, i % stride);
        if column < n {
            let want = want(row, column);
            assert!((f64::from(*value) - want).abs() < 2e-5, "{what}: {value} at {row}, {column}, not {want}");
        } else {
            assert_eq!(value, before, "{what}: wrote beyond its columns");
        }
    }
}

#[test]
fn products_are_those_of_rounded_values() {
    if !available() {
        return;
    }
    let mut seed = 0;
    let mut uniform = |n| {
        seed += 1;
        numbers(n, seed)
    };
    for m in [1, 2, 3, 5, 6, 8, 13, 40] {
        for k in [1, 2, 3, 15, 32, 33, 70] {
            for n in [1, 15, 16, 17, 32, 40, 48, 64, 65, 150] {
                let what = format!("{m} x {k} x {n}");
                let (pitch, stride) = (k + 3, n + 5);
                let (a, b) = (uniform(m * pitch), uniform(k * n));
                let (bias, before) = (uniform(n), uniform(m * stride));
                let right = Packed::new(&crate::product::Packed::new(&b, k, n));
                // The upper half of the sum, then the lower.
                let cut = k / 4 * 2;
                let (upper, lower) = (Matrix::new(&a[cut..], m, k - cut, pitch), Matrix::new(&a, m, cut, pitch));
                let mut out = before.clone();
                multiply(upper, &right, cut..k, Start::Bias(&bias), MatrixMut::new(&mut out, m, n, stride));
                multiply(lower, &right, 0..cut, Start::Output, MatrixMut::new(&mut out, m, n, stride));
                let all = |i, j| dot(k, |p| a[i * pitch + p], |p| b[p * n + j]);
                check(&what, &out, &before, n, stride, |i, j| f64::from(bias[j]) + all(i, j));
                let whole = Matrix::new(&a, m, k, pitch);
                multiply(whole, &right, 0..k, Start::Zero, MatrixMut::new(&mut out, m, n, stride));
                check(&what, &out, &before, n, stride, all);

                let (pitch, rows) = (m + 2, n + 1);
                let (a, b) = (uniform(k * pitch), uniform(k * rows));
                let all = |i, j| dot(k, |p| a[p * pitch + i], |p| b[p * rows + j]);
                let (left, right) = (Matrix::new(&a, k, m, pitch), Matrix::new(&b, k, n, rows));
                multiply_transposed(left, right, Start::Zero, MatrixMut::new(&mut out, m, n, stride));
                check(&what, &out, &before, n, stride, all);
                multiply_transposed(left, right, Start::Output, MatrixMut::new(&mut out, m, n, stride));
                check(&what, &out, &before, n, stride, |i, j| 2.0 * all(i, j));
            }
        }
    }
}

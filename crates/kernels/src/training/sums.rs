//! Sums over pixels in a fixed order.

use rayon::prelude::*;

/// Σ over rows of `n` values: the gradient of a bias.
pub fn sum_rows(x: &[f32], n: usize) -> Vec<f32> {
    // A fixed number of parts, so that the sum does not depend on the number of threads.
    let part = (x.len() / n).div_ceil(8).max(1) * n;
    let sums: Vec<Vec<f32>> = x
        .par_chunks(part)
        .map(|rows| {
            let mut sum = vec![0.0; n];
            for row in rows.chunks_exact(n) {
                add(row, &mut sum);
            }
            sum
        })
        .collect();
    total(sums, n)
}

/// Sum of parts of `n` values, in their order.
pub(super) fn total(parts: Vec<Vec<f32>>, n: usize) -> Vec<f32> {
    let mut total = vec![0.0; n];
    for part in parts {
        add(&part, &mut total);
    }
    total
}

/// `sum += x`, two slices of one length.
pub(super) fn add(x: &[f32], sum: &mut [f32]) {
    let x = &x[..sum.len()];
    for i in 0..sum.len() {
        sum[i] += x[i];
    }
}

//! Rounding a product's weights so that what it computes changes least.
//!
//! The nearest integer for each weight is not the best one: inputs are correlated, so the error of
//! one weight can be made up for by others of its column. For weights w, integers q in steps Δ and
//! inputs with second moments H, the error of the output is (w − Δq)ᵀ H (w − Δq). With H = L Lᵀ it
//! is a sum of squares, whose last term sees the last weight alone, the one before it two weights,
//! and so on: taken in that order, each weight is rounded to what makes its own term smallest. This
//! is Babai's nearest plane, and what GPTQ does to language models (Frantar et al., ICLR 2023).

use heirloom_codec::model::weight_steps;

/// Added to the moments' diagonal, as a share of its mean.
const DAMPING: f64 = 0.01;
/// Steps that are tried for each column, as shares of the step at which the largest weight is 127.
/// In smaller ones, the largest weights are cut off.
const SHARES: [f64; 4] = [1.0, 0.85, 0.7, 0.55];
/// The largest integer.
const LIMIT: f64 = 127.0;

/// Replaces the weights of a product, row-major with so many columns, by some that a model file can
/// hold without rounding them again. `moments` are the sums of the products of its inputs, rows ×
/// rows. A product that has seen no inputs stays as it is.
pub fn compensate(weight: &mut [f32], columns: usize, moments: &[f64]) {
    let rows = weight.len() / columns;
    let mean = (0..rows).map(|i| moments[i * rows + i]).sum::<f64>() / rows as f64;
    if mean <= 0.0 || !mean.is_finite() {
        return;
    }
    // Weights of large inputs come last, so that they are rounded first, while all others can still
    // make up for them.
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by(|&i, &j| moments[i * rows + i].total_cmp(&moments[j * rows + j]));
    let Some(factor) = factor(&order, moments, DAMPING * mean) else { return };

    let values: Vec<f64> =
        order.iter().flat_map(|&i| &weight[i * columns..][..columns]).map(|w| f64::from(*w)).collect();
    let steps = weight_steps(weight, columns);
    let nearest: Vec<f64> = values.iter().enumerate().map(|(i, w)| nearest(*w, steps[i % columns])).collect();
    let mut best = Rounding {
        errors: errors(&factor, columns, &values, &nearest, &steps),
        integers: nearest,
        steps: steps.clone(),
    };
    for share in SHARES {
        let steps: Vec<f64> = steps.iter().map(|step| step * share).collect();
        best.take_better(nearest_plane(&factor, columns, &values, steps));
    }
    for (row, integers) in order.iter().zip(best.integers.chunks_exact(columns)) {
        for ((w, q), step) in weight[row * columns..][..columns].iter_mut().zip(integers).zip(&best.steps) {
            *w = (q * step) as f32;
        }
    }
}

fn nearest(weight: f64, step: f64) -> f64 {
    if step > 0.0 { (weight / step).round_ties_even() } else { 0.0 }
}

/// Integers of a product's weights, rows in the order of the factor.
struct Rounding {
    integers: Vec<f64>,
    /// Step of each column.
    steps: Vec<f64>,
    /// Squared error of the output, by column.
    errors: Vec<f64>,
}

impl Rounding {
    /// Takes the columns in which `other` is better.
    fn take_better(&mut self, other: Self) {
        let columns = self.steps.len();
        for column in 0..columns {
            if other.errors[column] >= self.errors[column] || !fits(&other.integers, columns, column) {
                continue;
            }
            self.steps[column] = other.steps[column];
            self.errors[column] = other.errors[column];
            let from = other.integers[column..].iter().step_by(columns);
            self.integers[column..].iter_mut().step_by(columns).zip(from).for_each(|(to, from)| *to = *from);
        }
    }
}

/// Whether an export finds the same step for a column of integers: they reach the limit, and their
/// sum does not call for a larger step.
fn fits(integers: &[f64], columns: usize, column: usize) -> bool {
    let column: Vec<f32> = integers[column..].iter().step_by(columns).map(|q| *q as f32).collect();
    weight_steps(&column, 1)[0] == 1.0
}

/// The integers that Babai's nearest plane finds in these steps. The largest weight of a column
/// always becomes ±127, so that an export finds the same step.
fn nearest_plane(factor: &[f64], columns: usize, values: &[f64], steps: Vec<f64>) -> Rounding {
    let rows = values.len() / columns;
    let mut largest = vec![0; columns];
    for (row, weights) in values.chunks_exact(columns).enumerate() {
        for (largest, (column, w)) in largest.iter_mut().zip(weights.iter().enumerate()) {
            if w.abs() > values[*largest * columns + column].abs() {
                *largest = row;
            }
        }
    }
    let (mut integers, mut errors) = (vec![0.0; values.len()], vec![0.0; columns]);
    // What the weights after a row have left in its term.
    let mut carried = vec![0.0; values.len()];
    let mut missed = vec![0.0; columns];
    for row in (0..rows).rev() {
        let own = factor[row * rows + row];
        for column in 0..columns {
            let at = row * columns + column;
            let target = values[at] + carried[at] / own;
            integers[at] = if row == largest[column] {
                values[at].signum() * LIMIT
            } else {
                nearest(target, steps[column]).clamp(-LIMIT, LIMIT)
            };
            let rounded = integers[at] * steps[column];
            missed[column] = values[at] - rounded;
            errors[column] += (own * (target - rounded)).powi(2);
        }
        for (carried, share) in carried.chunks_exact_mut(columns).zip(&factor[row * rows..][..row]) {
            carried.iter_mut().zip(&missed).for_each(|(carried, missed)| *carried += share * missed);
        }
    }
    Rounding { integers, steps, errors }
}

/// Squared error of the output by column.
fn errors(factor: &[f64], columns: usize, values: &[f64], integers: &[f64], steps: &[f64]) -> Vec<f64> {
    let rows = values.len() / columns;
    let mut terms = vec![0.0; values.len()];
    for row in 0..rows {
        let missed: Vec<f64> = (0..columns)
            .map(|column| values[row * columns + column] - integers[row * columns + column] * steps[column])
            .collect();
        for (terms, share) in terms.chunks_exact_mut(columns).zip(&factor[row * rows..][..=row]) {
            terms.iter_mut().zip(&missed).for_each(|(term, missed)| *term += share * missed);
        }
    }
    let mut out = vec![0.0; columns];
    for terms in terms.chunks_exact(columns) {
        out.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term * term);
    }
    out
}

/// The lower triangular L with L Lᵀ = moments, by Cholesky's decomposition, rows and columns in the
/// given order and `damping` added to the diagonal. None if a moment is not finite.
fn factor(order: &[usize], moments: &[f64], damping: f64) -> Option<Vec<f64>> {
    let n = order.len();
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        let (before, row) = l.split_at_mut(i * n);
        for j in 0..=i {
            let above = if j < i { &before[j * n..][..j] } else { &row[..j] };
            let sum = moments[order[i] * n + order[j]] - dot(&row[..j], above);
            row[j] = if j < i { sum / before[j * n + j] } else { (sum + damping).sqrt() };
        }
        if !(row[i].is_finite() && row[i] > 0.0) {
            return None;
        }
    }
    Some(l)
}

/// Σ aᵢbᵢ, in eight parallel sums: a single one would wait for each addition.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    a_rest.iter().zip(b_rest).map(|(a, b)| a * b).chain(sums).sum()
}

#[cfg(test)]
mod tests {
    use heirloom_codec::model::round_weights;

    use super::*;
    use crate::random::Random;

    const ROWS: usize = 40;
    const COLUMNS: usize = 12;

    /// A weight, and inputs of which neighbours are alike.
    fn product() -> (Vec<f32>, Vec<f64>) {
        let mut weight = vec![0f32; ROWS * COLUMNS];
        Random::new(1, 1, 0).fill_centred(&mut weight);
        let inputs: Vec<Vec<f64>> = (0..300)
            .map(|i| {
                let mut noise = vec![0f32; ROWS + 3];
                Random::new(1, 2, i).fill_centred(&mut noise);
                noise.windows(4).map(|near| near.iter().map(|v| f64::from(*v)).sum()).collect()
            })
            .collect();
        let moment = |i: usize, j: usize| inputs.iter().map(|input| input[i] * input[j]).sum();
        (weight, (0..ROWS * ROWS).map(|at| moment(at / ROWS, at % ROWS)).collect())
    }

    /// Squared error of the output.
    fn error(a: &[f32], b: &[f32], moments: &[f64]) -> f64 {
        let missed: Vec<f64> = a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b)).collect();
        let mut sum = 0.0;
        for (i, j) in (0..ROWS).flat_map(|i| (0..ROWS).map(move |j| (i, j))) {
            for c in 0..COLUMNS {
                sum += missed[i * COLUMNS + c] * moments[i * ROWS + j] * missed[j * COLUMNS + c];
            }
        }
        sum
    }

    #[test]
    fn the_output_changes_far_less_than_with_the_nearest_integers() {
        let (weight, moments) = product();
        let (mut nearest, mut compensated) = (weight.clone(), weight.clone());
        round_weights(&mut nearest, COLUMNS);
        compensate(&mut compensated, COLUMNS, &moments);
        let (plain, better) = (error(&weight, &nearest, &moments), error(&weight, &compensated, &moments));
        assert!(better < 0.5 * plain && better > 0.0, "{better} and {plain}");
    }

    #[test]
    fn an_export_finds_the_same_integers_again() {
        let (weight, moments) = product();
        let mut compensated = weight;
        compensate(&mut compensated, COLUMNS, &moments);
        let mut again = compensated.clone();
        round_weights(&mut again, COLUMNS);
        assert!(again.iter().zip(&compensated).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs()));
    }

    #[test]
    fn weights_on_their_grid_and_products_without_inputs_stay() {
        let (mut weight, moments) = product();
        let unseen = weight.clone();
        compensate(&mut weight, COLUMNS, &[0.0; ROWS * ROWS]);
        assert_eq!(weight, unseen);
        round_weights(&mut weight, COLUMNS);
        let mut again = weight.clone();
        compensate(&mut again, COLUMNS, &moments);
        assert!(again.iter().zip(&weight).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs()));
    }

    #[test]
    fn a_factor_times_its_transpose_is_the_matrix() {
        let (_, moments) = product();
        let order: Vec<usize> = (0..ROWS).rev().collect();
        let l = factor(&order, &moments, 0.0).unwrap();
        for (i, j) in (0..ROWS).flat_map(|i| (0..ROWS).map(move |j| (i, j))) {
            let found = dot(&l[i * ROWS..][..ROWS], &l[j * ROWS..][..ROWS]);
            assert!((found - moments[order[i] * ROWS + order[j]]).abs() < 1e-9 * moments[0]);
        }
        assert!(factor(&order, &[f64::NAN; ROWS * ROWS], 0.0).is_none());
    }
}

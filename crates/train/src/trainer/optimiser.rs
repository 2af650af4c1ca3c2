//! The update of the weights over flat buffers, with clipping by global norm and a running average:
//! Adam for all weights, or orthogonalised momentum ([`super::orthogonal`]) for the matrices
//! between feature maps and Adam for the rest.
//!
//! Every reduction is split at fixed places, so results do not depend on the number of threads.

use std::ops::Range;

use rayon::prelude::*;

use super::orthogonal::orthogonalised;
use crate::model::{parameters::Layout, system::System};
use crate::ops::Precision;

const CHUNK: usize = 1 << 14;

/// Weights, moments and averages. All buffers have the layout's length.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub weights: Vec<f32>,
    /// First moment.
    pub m: Vec<f32>,
    /// Second moment.
    pub v: Vec<f32>,
    /// Running average of the weights.
    pub ema: Vec<f32>,
    /// Updates done; skipped steps are not counted.
    pub updates: u64,
}

/// Settings of one update.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    pub learning_rate: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub epsilon: f64,
    /// Largest global norm of the gradient.
    pub clip: f64,
    /// Norm of the gradient by [`norm`]; finite.
    pub norm: f64,
    pub ema_decay: f64,
    /// Decay of the averaged gradient of the matrices that Adam does not update.
    pub momentum: f64,
    /// Precision of the products that make its steps.
    pub precision: Precision,
}

/// The weights that learn, grouped by their update rule.
#[derive(Clone, Debug, Default)]
pub struct ParameterGroups {
    /// Ranges of the flat buffer that Adam updates, ascending, with neighbours joined.
    pub adam: Vec<Range<usize>>,
    /// Matrices that orthogonalised momentum updates, in ascending order.
    pub matrices: Vec<Matrix>,
}

/// A matrix in the flat buffer.
#[derive(Clone, Copy, Debug)]
pub struct Matrix {
    pub offset: usize,
    pub rows: usize,
    pub columns: usize,
}

/// Smallest side of a matrix that is orthogonalised.
const SMALLEST_SIDE: usize = 32;

impl ParameterGroups {
    /// Groups all parameters but those whose name starts with one of `freeze`. The matrices between
    /// feature maps of the system `orthogonal`, if given, get orthogonalised momentum.
    #[must_use]
    pub fn new(layout: &Layout, freeze: &[String], orthogonal: Option<&dyn System>) -> Self {
        let mut groups = Self::default();
        for entry in layout.entries() {
            if freeze.iter().any(|prefix| entry.name.starts_with(prefix.as_str())) {
                continue;
            }
            let orthogonal = orthogonal.is_some_and(|system| system.is_feature_matrix(&entry.name));
            match entry.shape[..] {
                [rows, columns] if orthogonal && rows.min(columns) >= SMALLEST_SIDE => {
                    groups.matrices.push(Matrix { offset: entry.offset, rows, columns });
                }
                _ => {
                    let end = entry.offset + entry.len;
                    match groups.adam.last_mut() {
                        Some(last) if last.end == entry.offset => last.end = end,
                        _ => groups.adam.push(entry.offset..end),
                    }
                }
            }
        }
        groups
    }
}

/// Root mean square of a matrix's step as a multiple of the learning rate: about that of Adam's
/// steps, so that one rate serves both (Liu et al., 2025).
const STEP_SIZE: f32 = 0.2;

impl State {
    /// The state before the first step.
    #[must_use]
    pub fn new(weights: Vec<f32>) -> Self {
        let zeros = vec![0f32; weights.len()];
        Self { ema: weights.clone(), m: zeros.clone(), v: zeros, weights, updates: 0 }
    }

    /// Updates weights and average. Weights in no group stay unchanged, as do their moments and
    /// average.
    pub fn update(&mut self, gradient: &[f32], update: Update, groups: &ParameterGroups) {
        self.updates += 1;
        let factor = if update.norm > update.clip { (update.clip / update.norm) as f32 } else { 1.0 };
        for range in &groups.adam {
            self.adam(&gradient[range.clone()], factor, update, range.clone());
        }
        self.orthogonal(gradient, factor, update, &groups.matrices);
    }

    /// Adam with bias correction (Kingma and Ba, algorithm 1).
    fn adam(&mut self, gradient: &[f32], factor: f32, update: Update, range: Range<usize>) {
        let n = self.updates.min(i32::MAX as u64) as i32;
        let (b1, b2) = (update.beta1 as f32, update.beta2 as f32);
        let rate = (update.learning_rate / (1.0 - update.beta1.powi(n))) as f32;
        let inverse_root = (1.0 / (1.0 - update.beta2.powi(n)).sqrt()) as f32;
        let epsilon = update.epsilon as f32;
        let keep = update.ema_decay as f32;
        self.weights[range.clone()]
            .par_chunks_mut(CHUNK)
            .zip(self.m[range.clone()].par_chunks_mut(CHUNK))
            .zip(self.v[range.clone()].par_chunks_mut(CHUNK))
            .zip(self.ema[range].par_chunks_mut(CHUNK))
            .zip(gradient.par_chunks(CHUNK))
            .for_each(|((((w, m), v), e), g)| {
                for ((((w, m), v), e), g) in w.iter_mut().zip(m).zip(v).zip(e).zip(g) {
                    let g = g * factor;
                    *m = b1 * *m + (1.0 - b1) * g;
                    *v = b2 * *v + (1.0 - b2) * g * g;
                    *w -= rate * *m / (v.sqrt() * inverse_root + epsilon);
                    *e = keep * *e + (1.0 - keep) * *w;
                }
            });
    }

    /// Orthogonalised Nesterov momentum. The second moment is not used.
    fn orthogonal(&mut self, gradient: &[f32], factor: f32, update: Update, matrices: &[Matrix]) {
        let momentum = update.momentum as f32;
        let keep = update.ema_decay as f32;
        let buffers = [&mut self.weights, &mut self.m, &mut self.ema].map(|buffer| parts(buffer, matrices));
        let [weights, moments, averages] = buffers;
        weights.into_par_iter().zip(moments).zip(averages).zip(matrices).with_max_len(1).for_each(
            |(((w, m), e), matrix)| {
                let g = &gradient[matrix.offset..][..w.len()];
                let mut ahead = Vec::with_capacity(w.len());
                for (m, g) in m.iter_mut().zip(g) {
                    let g = g * factor;
                    *m = momentum * *m + (1.0 - momentum) * g;
                    ahead.push(momentum * *m + (1.0 - momentum) * g);
                }
                let direction = orthogonalised(&ahead, matrix.rows, matrix.columns, update.precision);
                let rate = update.learning_rate as f32 * STEP_SIZE * (matrix.rows.max(matrix.columns) as f32).sqrt();
                for ((w, e), d) in w.iter_mut().zip(e).zip(direction) {
                    *w -= rate * d;
                    *e = keep * *e + (1.0 - keep) * *w;
                }
            },
        );
    }
}

/// Part of a buffer for each of the matrices, which are in ascending order and do not overlap.
fn parts<'a>(buffer: &'a mut [f32], matrices: &[Matrix]) -> Vec<&'a mut [f32]> {
    let (mut rest, mut first) = (buffer, 0);
    let cut = |matrix: &Matrix| {
        let (_, from) = std::mem::take(&mut rest).split_at_mut(matrix.offset - first);
        let (part, after) = from.split_at_mut(matrix.rows * matrix.columns);
        first = matrix.offset + part.len();
        rest = after;
        part
    };
    matrices.iter().map(cut).collect()
}

/// Euclidean norm; not finite if a value is not.
#[must_use]
pub fn norm(values: &[f32]) -> f64 {
    let sums: Vec<f64> = values.par_chunks(CHUNK).map(sum_of_squares).collect();
    sums.iter().sum::<f64>().sqrt()
}

/// Σ v², in sixteen parallel sums: a single one would wait for each addition.
fn sum_of_squares(values: &[f32]) -> f64 {
    let (vectors, rest) = values.as_chunks::<16>();
    let mut sums = [0.0; 16];
    for vector in vectors {
        for (sum, v) in sums.iter_mut().zip(vector) {
            *sum += f64::from(*v) * f64::from(*v);
        }
    }
    rest.iter().map(|v| f64::from(*v) * f64::from(*v)).chain(sums).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adam(range: Range<usize>) -> ParameterGroups {
        ParameterGroups { adam: std::iter::once(range).collect(), matrices: Vec::new() }
    }

    #[test]
    fn adam_walks_down_a_parabola_and_leaves_frozen_weights_alone() {
        let n = 3 * CHUNK + 5;
        let mut state = State::new(vec![3.0; n]);
        let frozen = n - 1;
        let plan = adam(0..frozen);
        for _ in 0..500 {
            let gradient: Vec<f32> = state.weights.iter().map(|w| 2.0 * (w - 1.0)).collect();
            let update = Update {
                learning_rate: 0.05,
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
                clip: 2.0,
                norm: norm(&gradient),
                ema_decay: 0.9,
                momentum: 0.0,
                precision: Precision::Single,
            };
            state.update(&gradient, update, &plan);
        }
        assert!(state.weights[..frozen].iter().all(|w| (w - 1.0).abs() < 0.05), "{}", state.weights[0]);
        assert!((state.ema[0] - state.weights[0]).abs() < 0.05);
        assert_eq!((state.weights[frozen], state.ema[frozen], state.m[frozen]), (3.0, 3.0, 0.0));
    }

    #[test]
    fn the_first_step_has_the_length_of_the_rate_and_the_norm_sees_nan() {
        let mut state = State::new(vec![0.0; 2]);
        let update = Update {
            learning_rate: 0.1,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            clip: 1e9,
            norm: 1.0,
            ema_decay: 0.0,
            momentum: 0.0,
            precision: Precision::Single,
        };
        state.update(&[5.0, -0.01], update, &adam(0..2));
        assert!((state.weights[0] + 0.1).abs() < 1e-6 && (state.weights[1] - 0.1).abs() < 1e-6);
        assert!(!norm(&[1.0, f32::NAN]).is_finite());
        assert!((norm(&vec![1.0; 40_000]) - 200.0).abs() < 1e-9);
    }

    #[test]
    fn matrices_take_orthogonal_steps_of_one_size_and_nothing_else_moves() {
        let matrix = Matrix { offset: 5, rows: 40, columns: 32 };
        let (n, end) = (5 + 40 * 32 + 3, 5 + 40 * 32);
        let mut state = State::new(vec![0.0; n]);
        let mut gradient = vec![0f32; n];
        crate::random::Random::new(5, 0, 0).fill_centred(&mut gradient);
        let update = Update {
            learning_rate: 0.01,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            clip: 1e9,
            norm: norm(&gradient),
            ema_decay: 0.5,
            momentum: 0.95,
            precision: Precision::Single,
        };
        state.update(&gradient, update, &ParameterGroups { adam: vec![], matrices: vec![matrix] });
        assert!(state.weights[..5].iter().chain(&state.weights[end..]).all(|w| *w == 0.0));
        let moved = &state.weights[5..end];
        let size = (moved.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>() / moved.len() as f64).sqrt();
        assert!((0.7..1.3).contains(&(size / (0.01 * 0.2))), "root mean square {size}");
        assert!(moved.iter().zip(&gradient[5..end]).map(|(w, g)| w * g).sum::<f32>() < 0.0);
        assert!(state.ema[5..end].iter().zip(moved).all(|(e, w)| (e - 0.5 * w).abs() < 1e-9));
    }
}

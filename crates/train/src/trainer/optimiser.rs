//! Adam, clipping by global norm and the running average, in one pass over flat buffers.
//!
//! Every reduction has a fixed split, so results do not depend on the number of threads.

use rayon::prelude::*;

use crate::model::Layout;

const CHUNK: usize = 1 << 14;

/// Weights and all that is kept per weight. All buffers have the layout's length.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub weights: Vec<f32>,
    /// First moment.
    pub m: Vec<f32>,
    /// Second moment.
    pub v: Vec<f32>,
    /// Running average of the weights.
    pub ema: Vec<f32>,
    /// Updates done; skipped steps do not count.
    pub updates: u64,
}

/// The numbers of one update.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    pub learning_rate: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub epsilon: f64,
    /// Largest global norm of the gradient.
    pub clip: f64,
    /// Norm of the gradient as [`norm`] gave it; finite.
    pub norm: f64,
    pub ema_decay: f64,
}

impl State {
    /// The state before the first step.
    #[must_use]
    pub fn new(weights: Vec<f32>) -> Self {
        let zeros = vec![0f32; weights.len()];
        Self { ema: weights.clone(), m: zeros.clone(), v: zeros, weights, updates: 0 }
    }

    /// One step of Adam with bias correction (Kingma and Ba, algorithm 1), then of the average. Weights outside the
    /// `trainable` ranges stay untouched, as do their moments and average.
    pub fn update(&mut self, gradient: &[f32], update: Update, trainable: &[std::ops::Range<usize>]) {
        self.updates += 1;
        let n = self.updates.min(i32::MAX as u64) as i32;
        let (b1, b2) = (update.beta1 as f32, update.beta2 as f32);
        let rate = (update.learning_rate / (1.0 - update.beta1.powi(n))) as f32;
        let inverse_root = (1.0 / (1.0 - update.beta2.powi(n)).sqrt()) as f32;
        let epsilon = update.epsilon as f32;
        let factor = if update.norm > update.clip { (update.clip / update.norm) as f32 } else { 1.0 };
        let keep = update.ema_decay as f32;
        for range in trainable {
            let (w, m, v, e, g) = (
                &mut self.weights[range.clone()],
                &mut self.m[range.clone()],
                &mut self.v[range.clone()],
                &mut self.ema[range.clone()],
                &gradient[range.clone()],
            );
            w.par_chunks_mut(CHUNK)
                .zip(m.par_chunks_mut(CHUNK))
                .zip(v.par_chunks_mut(CHUNK))
                .zip(e.par_chunks_mut(CHUNK))
                .zip(g.par_chunks(CHUNK))
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
    }
}

/// Euclidean norm; not finite if any value is not.
#[must_use]
pub fn norm(values: &[f32]) -> f64 {
    let sums: Vec<f64> =
        values.par_chunks(CHUNK).map(|c| c.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>()).collect();
    sums.iter().sum::<f64>().sqrt()
}

/// The parts of the flat buffer that are trained: all but the parameters whose name starts with one of `freeze`,
/// neighbours joined.
#[must_use]
pub fn trainable(layout: &Layout, freeze: &[String]) -> Vec<std::ops::Range<usize>> {
    let mut out: Vec<std::ops::Range<usize>> = Vec::new();
    for entry in layout.entries() {
        if freeze.iter().any(|prefix| entry.name.starts_with(prefix.as_str())) {
            continue;
        }
        let end = entry.offset + entry.len;
        match out.last_mut() {
            Some(last) if last.end == entry.offset => last.end = end,
            _ => out.push(entry.offset..end),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adam_walks_down_a_parabola_and_leaves_frozen_weights_alone() {
        let n = 3 * CHUNK + 5;
        let mut state = State::new(vec![3.0; n]);
        let frozen = n - 1;
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
            };
            state.update(&gradient, update, std::slice::from_ref(&(0..frozen)));
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
        };
        state.update(&[5.0, -0.01], update, std::slice::from_ref(&(0..2)));
        assert!((state.weights[0] + 0.1).abs() < 1e-6 && (state.weights[1] - 0.1).abs() < 1e-6);
        assert!(!norm(&[1.0, f32::NAN]).is_finite());
        assert!((norm(&vec![1.0; 40_000]) - 200.0).abs() < 1e-9);
    }
}

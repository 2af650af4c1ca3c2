//! Learned quantisation steps: how finely each channel of a latent is quantised, as a function of λ.

use super::lambda::log_position;
use super::strict_math::exp;
use crate::model::STEP_COEFFICIENTS;

/// Bound of |ln Δ|: steps lie within e^±6, about 1/403 to 403.
const LARGEST_LOG: f64 = 6.0;

/// The steps of one latent level: ln Δ = a + b·t + c·t² for each channel, with t of [`log_position`].
#[derive(Clone, Debug)]
pub(super) struct Steps {
    /// a of all channels, then b, then c.
    coefficients: Vec<f32>,
}

impl Steps {
    /// Takes coefficients `[3, channels]`, row by row.
    pub fn new(coefficients: Vec<f32>) -> Self {
        debug_assert!(coefficients.len().is_multiple_of(STEP_COEFFICIENTS));
        Self { coefficients }
    }

    /// The step Δ of each channel at λ. Computed in binary64 in the order (a + b·t) + c·(t·t), each
    /// operation rounded; ln Δ is clamped to [-6, 6], and Δ is rounded to binary32 once.
    pub fn at(&self, lambda: f32) -> Vec<f32> {
        let t = log_position(lambda);
        let channels = self.coefficients.len() / STEP_COEFFICIENTS;
        let coefficient = |power: usize, channel: usize| f64::from(self.coefficients[power * channels + channel]);
        (0..channels)
            .map(|channel| {
                let log = (coefficient(0, channel) + coefficient(1, channel) * t) + coefficient(2, channel) * (t * t);
                exp(log.clamp(-LARGEST_LOG, LARGEST_LOG)) as f32
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_the_exponential_of_its_polynomial() {
        let steps = Steps::new(vec![0.0, 0.5, -20.0, 0.0, -0.25, 0.0, 0.0, 0.125, 0.0]);
        for lambda in [8.0, 100.0, 256.0, 8192.0f32] {
            let t = (f64::from(lambda) / 256.0).ln() / 32f64.ln();
            let expected = [1.0, (0.5 - 0.25 * t + 0.125 * t * t).exp(), (-6f64).exp()];
            for (found, expected) in steps.at(lambda).into_iter().zip(expected) {
                assert!(
                    (f64::from(found) / expected - 1.0).abs() < 1e-7,
                    "{found} instead of {expected} at λ = {lambda}"
                );
            }
        }
    }
}

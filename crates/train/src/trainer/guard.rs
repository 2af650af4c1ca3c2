//! Tells usable gradients from broken ones.

/// Updates before the typical norm is trusted: it falls a hundredfold at the start of a run.
const TRUSTED_AFTER: u64 = 200;
/// Weight of the past in the running mean.
const KEEP: f32 = 0.98;

/// Whether a step with this gradient norm may change the weights: the norm is finite and, once `typical` is trusted, at most
/// `spike` times as large (0: no such limit). A single overflowing picture otherwise ruins the moments of the optimiser.
#[must_use]
pub fn usable(norm: f64, typical: f32, updates: u64, spike: f64) -> bool {
    norm.is_finite() && (spike == 0.0 || updates < TRUSTED_AFTER || norm <= spike * f64::from(typical))
}

/// The running mean of the norms of used gradients, `norm` being the newest and `updates` the number before it.
#[must_use]
pub fn typical(norm: f64, before: f32, updates: u64) -> f32 {
    if updates == 0 { norm as f32 } else { KEEP * before + (1.0 - KEEP) * norm as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spikes_are_refused_once_the_mean_is_trusted() {
        let mut mean = 0.0;
        for n in 0..300 {
            assert!(usable(10.0, mean, n, 20.0));
            mean = typical(10.0, mean, n);
        }
        assert!((mean - 10.0).abs() < 1e-3);
        assert!(usable(199.0, mean, 300, 20.0) && !usable(201.0, mean, 300, 20.0));
        assert!(usable(1e9, mean, 100, 20.0) && usable(1e9, mean, 300, 0.0));
        assert!(!usable(f64::NAN, mean, 0, 0.0) && !usable(f64::INFINITY, mean, 300, 0.0));
    }
}

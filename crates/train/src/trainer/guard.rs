//! Tells usable gradients from broken ones.

/// Updates before the typical norm is trusted: it falls a hundredfold at the start of a run.
const TRUSTED_AFTER: u64 = 200;
/// Weight of the past in the running mean.
const KEEP: f32 = 0.98;

/// Whether a step with this gradient norm may change the weights: the norm is finite and, once `typical` is known and
/// trusted, at most `spike` times as large (0: no such limit). A single overflowing image otherwise ruins the moments of
/// the optimiser.
#[must_use]
pub fn usable(norm: f64, typical: f32, updates: u64, spike: f64) -> bool {
    let limited = spike > 0.0 && typical > 0.0 && updates >= TRUSTED_AFTER;
    norm.is_finite() && (!limited || norm <= spike * f64::from(typical))
}

/// The running mean of the gradients' norms, `norm` being the newest, finite one. A spike counts as the largest usable norm:
/// one changes the mean little, but where the gradients have grown for good, the mean follows in about ten steps.
#[must_use]
pub fn typical(norm: f64, before: f32, spike: f64) -> f32 {
    if before == 0.0 {
        return norm as f32;
    }
    let limit = if spike > 0.0 { spike * f64::from(before) } else { f64::INFINITY };
    KEEP * before + (1.0 - KEEP) * norm.min(limit) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spikes_are_refused_once_the_mean_is_trusted() {
        let mut mean = 0.0;
        for n in 0..300 {
            assert!(usable(10.0, mean, n, 20.0));
            mean = typical(10.0, mean, 20.0);
        }
        assert!((mean - 10.0).abs() < 1e-3);
        assert!(usable(199.0, mean, 300, 20.0) && !usable(201.0, mean, 300, 20.0));
        assert!(usable(1e9, mean, 100, 20.0) && usable(1e9, mean, 300, 0.0));
        assert!(!usable(f64::NAN, mean, 0, 0.0) && !usable(f64::INFINITY, mean, 300, 0.0));
    }

    #[test]
    fn one_spike_changes_little_and_a_lasting_change_is_followed() {
        let once = typical(1e9, 1.0, 20.0);
        assert!(once < 1.5 && typical(1.0, once, 20.0) < once);
        let (mut mean, mut refused) = (1.0, 0);
        for _ in 0..50 {
            refused += u32::from(!usable(300.0, mean, 1000, 20.0));
            mean = typical(300.0, mean, 20.0);
        }
        assert!((1..15).contains(&refused), "{refused} refused");
        // A run whose mean was never taken begins with the first norm.
        assert!(usable(7.0, 0.0, 1000, 20.0) && typical(7.0, 0.0, 20.0) == 7.0);
    }
}

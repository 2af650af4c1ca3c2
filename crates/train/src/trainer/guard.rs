//! Rejection of gradients that are not finite or far larger than usual.

/// Updates before the typical norm is used: it falls a hundredfold at the start of a run.
const MIN_UPDATES: u64 = 200;
/// Weight of the past in the running mean.
const KEEP: f32 = 0.98;

/// Whether a step with this gradient norm may change the weights: the norm is finite and, after the
/// first updates, at most `spike` times `typical` (0 for no limit). Otherwise a single overflowing
/// image would ruin the optimiser's moments.
#[must_use]
pub fn is_usable(norm: f64, typical: f32, updates: u64, spike: f64) -> bool {
    let limited = spike > 0.0 && typical > 0.0 && updates >= MIN_UPDATES;
    norm.is_finite() && (!limited || norm <= spike * f64::from(typical))
}

/// Running mean of the gradients' norms after the finite norm `norm`. A spike counts as the largest
/// usable norm: a single one changes the mean little, but if the gradients have grown for good, the
/// mean follows within about ten steps.
#[must_use]
pub fn typical_norm(norm: f64, before: f32, spike: f64) -> f32 {
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
            assert!(is_usable(10.0, mean, n, 20.0));
            mean = typical_norm(10.0, mean, 20.0);
        }
        assert!((mean - 10.0).abs() < 1e-3);
        assert!(is_usable(199.0, mean, 300, 20.0) && !is_usable(201.0, mean, 300, 20.0));
        assert!(is_usable(1e9, mean, 100, 20.0) && is_usable(1e9, mean, 300, 0.0));
        assert!(!is_usable(f64::NAN, mean, 0, 0.0) && !is_usable(f64::INFINITY, mean, 300, 0.0));
    }

    #[test]
    fn one_spike_changes_little_and_a_lasting_change_is_followed() {
        let once = typical_norm(1e9, 1.0, 20.0);
        assert!(once < 1.5 && typical_norm(1.0, once, 20.0) < once);
        let (mut mean, mut refused) = (1.0, 0);
        for _ in 0..50 {
            refused += u32::from(!is_usable(300.0, mean, 1000, 20.0));
            mean = typical_norm(300.0, mean, 20.0);
        }
        assert!((1..15).contains(&refused), "{refused} refused");
        // Without a mean so far, the first norm is the mean.
        assert!(is_usable(7.0, 0.0, 1000, 20.0) && typical_norm(7.0, 0.0, 20.0) == 7.0);
    }
}

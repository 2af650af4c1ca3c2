//! Rounding at random, more and more to the nearest integer: stochastic Gumbel annealing (Yang, Bamler
//! and Mandt, NeurIPS 2020), with less noise, which reaches the same in fewer steps.

use rayon::prelude::*;

/// Values of one task.
const PART: usize = 1 << 12;
/// Least distance from an integer that counts, since the slope there has no bound.
const EDGE: f32 = 1e-4;

/// Rounds values: each to the integer below or above, more likely to the nearer one, blurred by the
/// temperature. Writes them, and the slope of each by its value. With a share of the noise of 0 they are
/// rounded alike each time, with 1 as in the paper. `seed` chooses the random numbers.
pub(super) fn round(
    values: &[f32],
    [temperature, noise]: [f32; 2],
    seed: u64,
    rounded: &mut [f32],
    slopes: &mut [f32],
) {
    let parts = rounded.par_chunks_mut(PART).zip(slopes.par_chunks_mut(PART)).zip(values.par_chunks(PART));
    parts.enumerate().for_each(|(part, ((rounded, slopes), values))| {
        let first = mixed(seed ^ mixed(part as u64));
        for (i, ((rounded, slope), &value)) in rounded.iter_mut().zip(slopes).zip(values).enumerate() {
            let noise = noise * logistic(mixed(first.wrapping_add(i as u64)));
            (*rounded, *slope) = annealed(value, temperature, noise);
        }
    });
}

fn annealed(value: f32, temperature: f32, noise: f32) -> (f32, f32) {
    let below = value.floor();
    let share = (value - below).clamp(EDGE, 1.0 - EDGE);
    // artanh(share) − artanh(1 − share), by one logarithm.
    let odds = share * (1.0 + share) / ((1.0 - share) * (2.0 - share));
    let logit = 0.5 * odds.ln() / temperature;
    let upper = 1.0 / (1.0 + (-(logit + noise) / temperature).exp());
    let by_share = 1.0 / (1.0 - share * share) + 1.0 / (1.0 - (1.0 - share) * (1.0 - share));
    (below + upper, upper * (1.0 - upper) / (temperature * temperature) * by_share)
}

/// A sample of the logistic distribution: the difference of two of Gumbel's.
fn logistic(bits: u64) -> f32 {
    let uniform = ((bits >> 40) as f32 + 0.5) / (1u32 << 24) as f32;
    (uniform / (1.0 - uniform)).ln()
}

/// A number from any other (SplitMix64).
pub(super) fn mixed(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cold_rounding_is_to_the_nearest_integer_and_warm_rounding_to_either() {
        let values: Vec<f32> = (0..10_000).map(|i| (i % 100) as f32 / 100.0 - 0.3).collect();
        let round = |temperature| {
            let (mut rounded, mut slopes) = (vec![0.0; values.len()], vec![0.0; values.len()]);
            round(&values, [temperature, 0.4], 7, &mut rounded, &mut slopes);
            assert!(slopes.iter().all(|slope| slope.is_finite() && *slope >= 0.0));
            rounded
        };
        let near = |value: &&f32| (**value - value.round()).abs() < 0.35;
        let cold = round(0.05);
        let wrong = values.iter().zip(&cold).filter(|(v, r)| near(v) && (**r - v.round()).abs() > 0.01).count();
        assert!(wrong < 200, "{wrong}");
        let warm = round(0.5);
        assert!(values.iter().zip(&warm).all(|(v, r)| *r >= v.floor() && *r <= v.floor() + 1.0));
        let other = values.iter().zip(&warm).filter(|(v, r)| (*r - *v).abs() > 0.5).count();
        assert!(other > 30, "{other}");
    }

    /// The slope is what a small change of the value changes.
    #[test]
    fn slopes_are_differences() {
        for value in [-1.7f32, -0.4, 0.1, 0.5, 3.8] {
            for noise in [-1.0, 0.0, 0.7] {
                let by = 1e-3;
                let difference = (annealed(value + by, 0.5, noise).0 - annealed(value - by, 0.5, noise).0) / (2.0 * by);
                let (_, slope) = annealed(value, 0.5, noise);
                assert!((difference - slope).abs() < 0.01 * slope + 1e-3, "{value}: {difference}, {slope}");
            }
        }
    }
}

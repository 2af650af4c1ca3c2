//! The rate by the network's own Gaussian probabilities, for reports and tests. No file depends on
//! it.

use rayon::prelude::*;

/// Probability below which the density is used instead of the integral over a bin, as in training.
const SMALLEST: f64 = 1e-6;

/// Bits Σ −log₂ P of residuals k = z − μ, with P = Φ((k + ½)/σ) − Φ((k − ½)/σ) and
/// σ = exp(softplus(raw + 2.3) − 2.3) (Duan et al., CVPR 2024, section 4.2).
pub(super) fn bits(symbols: &[i32], raw_scales: &[f32]) -> f64 {
    // The sums of chunks are added in order, so that the result does not depend on threads.
    let pairs = symbols.par_chunks(4096).zip(raw_scales.par_chunks(4096));
    let sums: Vec<f64> =
        pairs.map(|(symbols, raw)| symbols.iter().zip(raw).map(|(&k, &raw)| bits_of(k, raw)).sum()).collect();
    sums.iter().sum()
}

fn bits_of(symbol: i32, raw_scale: f32) -> f64 {
    let shifted = f64::from(raw_scale) + 2.3;
    let softplus = if shifted > 30.0 { shifted } else { shifted.exp().ln_1p() };
    let log_scale = softplus - 2.3;
    let scale = log_scale.exp();
    let k = f64::from(symbol.unsigned_abs());
    let unit = scale * std::f64::consts::SQRT_2;
    // By symmetry k ≥ 0, and the upper tails keep their precision.
    let probability = 0.5 * (erfc((k - 0.5) / unit) - erfc((k + 0.5) / unit));
    if probability > SMALLEST {
        return -probability.log2();
    }
    let log_density = -0.5 * (k / scale).powi(2) - log_scale - 0.5 * (2.0 * std::f64::consts::PI).ln();
    -log_density / std::f64::consts::LN_2
}

/// 1 − erf(x), to about 1e-12 absolute.
fn erfc(x: f64) -> f64 {
    let magnitude = x.abs();
    let tail = if magnitude < 2.5 {
        // erf x = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)): all terms positive, no
        // cancellation.
        let square = magnitude * magnitude;
        let (mut term, mut sum) = (magnitude, magnitude);
        for n in 1..60 {
            term *= 2.0 * square / f64::from(2 * n + 1);
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        1.0 - std::f64::consts::FRAC_2_SQRT_PI * (-square).exp() * sum
    } else {
        // Continued fraction: e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 3/2/(x + …)))).
        let mut fraction = magnitude;
        for n in (1..=60).rev() {
            fraction = magnitude + 0.5 * f64::from(n) / fraction;
        }
        0.5 * std::f64::consts::FRAC_2_SQRT_PI * (-magnitude * magnitude).exp() / fraction
    };
    if x < 0.0 { 2.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erfc_has_its_known_values() {
        // Abramowitz and Stegun, tables 7.1 and 7.3.
        for (x, value) in [
            (0.0, 1.0),
            (0.5, 0.479_500_122_186_953_5),
            (1.0, 0.157_299_207_050_285_1),
            (2.0, 0.004_677_734_981_047_266),
            (3.0, 2.209_049_699_858_544e-5),
            (-1.0, 1.842_700_792_949_715),
        ] {
            assert!((erfc(x) - value).abs() < 1e-12, "erfc({x}) = {}", erfc(x));
        }
        assert!((erfc(2.499_999_999) - erfc(2.500_000_001)).abs() < 1e-10);
    }

    #[test]
    fn probabilities_of_all_symbols_sum_to_one() {
        for raw in [-30.0, -2.3, 0.0, 2.0] {
            let sum: f64 = (-80..=80).map(|k| (-bits_of(k, raw)).exp2()).filter(|p| *p > SMALLEST).sum();
            assert!((sum - 1.0).abs() < 1e-4, "raw {raw}: {sum}");
        }
    }
}

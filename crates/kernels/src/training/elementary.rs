//! Exponential and logarithm without branches or calls, so that loops over them become vector code.
//! Relative errors of a few 10⁻⁷, for training only: what is in files is decided by the codec's own
//! functions.

/// 1.5·2²³: adding it rounds to an integer, which is then in the lowest bits.
const ROUNDING: f32 = 12_582_912.0;
/// ln 2 in two parts, the first with few enough digits that its products with small integers are
/// exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// eˣ, with x clamped to [−87, 88]. A NaN stays a NaN.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    // x = n·ln 2 + r, |r| ≤ ½ ln 2
    let shifted = x * std::f32::consts::LOG2_E + ROUNDING;
    let n = shifted - ROUNDING;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    // The Taylor series up to r⁷/7!: the remainder is below 10⁻⁸.
    let series = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let mut power = 0.0;
    for i in 0..series.len() {
        power = power * r + series[i];
    }
    f32::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// ln x for positive normal x; unspecified for others.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    // x = 2ⁿ·m with m from √½ to √2
    let n = (x.to_bits() as i32 - std::f32::consts::FRAC_1_SQRT_2.to_bits() as i32) >> 23;
    let m = f32::from_bits((x.to_bits() as i32 - (n << 23)) as u32);
    // ln m = 2·artanh s, |s| ≤ 0.172: the remainder after s⁹/9 is below 10⁻⁹.
    let s = (m - 1.0) / (m + 1.0);
    let t = s * s;
    let coefficients = [1.0 / 9.0, 1.0 / 7.0, 0.2, 1.0 / 3.0, 1.0];
    let mut series = 0.0;
    for i in 0..coefficients.len() {
        series = series * t + coefficients[i];
    }
    let n = n as f32;
    n * LN_2[0] + (2.0 * s * series + n * LN_2[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_agree_with_double_precision() {
        for i in 0..200_000 {
            let x = -86.9 + i as f32 * 8.7e-4;
            let want = f64::from(x).exp();
            assert!((f64::from(exp(x)) / want - 1.0).abs() < 4e-7, "exp {x} is {}, not {want}", exp(x));
            let y = want as f32;
            let want = f64::from(y).ln();
            assert!((f64::from(ln(y)) - want).abs() < 2e-7 * want.abs().max(0.5), "ln {y} is {}, not {want}", ln(y));
        }
        assert!((exp(0.0), ln(1.0)) == (1.0, 0.0) && exp(f32::NAN).is_nan());
        assert!(exp(-1e30) > 0.0 && exp(1e30).is_finite());
    }
}

//! `ln`, `exp`, `sin` and `cos` of binary64 numbers from + − × ÷ alone, so that every machine gets
//! the same bits. Platform functions differ in the last bit from one system to the next, and the
//! embedding of λ determines latents.
//!
//! `docs/ARITHMETIC.md` fixes every step. The error is about one unit in the last place over the
//! range used here (|x| below 10,000 for the trigonometric functions).

/// The upper bits of ln 2. The last 21 bits are zero, so that the product with an exponent is
/// exact.
const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
/// ln 2 − [`LN2_HIGH`].
const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
/// π/2 in three parts. The first two have 33 significant bits each, so that products with small
/// integers are exact.
const HALF_PI: [f64; 3] = [
    f64::from_bits(0x3ff9_21fb_5440_0000),
    f64::from_bits(0x3dd0_b461_1a60_0000),
    f64::from_bits(0x3ba3_198a_2e03_7073),
];

/// Natural logarithm of a positive normal number. Other arguments give a meaningless but fixed
/// result.
#[must_use]
pub fn ln(x: f64) -> f64 {
    // x = m·2^e with m in [1, 2), then m in (√½, √2].
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) & 0x7ff) as i32 - 1023;
    let mut mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    // ln m = 2·artanh(s), s = (m − 1)/(m + 1), |s| < 0.172.
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let mut series = 0.0;
    for n in (1..=12).rev() {
        series = (series + 1.0 / f64::from(2 * n + 1)) * square;
    }
    let fraction = 2.0 * s + 2.0 * s * series;
    f64::from(exponent) * LN2_HIGH + (fraction + f64::from(exponent) * LN2_LOW)
}

/// e^x, with x clamped to [-700, 700].
#[must_use]
pub fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let n = (x / std::f64::consts::LN_2).round_ties_even();
    let rest = (x - n * LN2_HIGH) - n * LN2_LOW;
    let mut series = 1.0;
    for k in (1..=18).rev() {
        series = 1.0 + rest / f64::from(k) * series;
    }
    series * f64::from_bits(((n as i64 + 1023) as u64) << 52)
}

/// (cos x, sin x) for |x| below 10,000.
#[must_use]
pub fn cos_sin(x: f64) -> (f64, f64) {
    let n = (x / std::f64::consts::FRAC_PI_2).round_ties_even();
    let rest = ((x - n * HALF_PI[0]) - n * HALF_PI[1]) - n * HALF_PI[2];
    let square = rest * rest;
    let (mut cos, mut sin) = (1.0, 1.0);
    for k in (1..=10).rev() {
        cos = 1.0 - square / f64::from((2 * k - 1) * (2 * k)) * cos;
        sin = 1.0 - square / f64::from((2 * k) * (2 * k + 1)) * sin;
    }
    sin *= rest;
    match (n as i64).rem_euclid(4) {
        0 => (cos, sin),
        1 => (-sin, cos),
        2 => (-cos, -sin),
        _ => (sin, -cos),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(ours: f64, theirs: f64, scale: f64) -> bool {
        (ours - theirs).abs() <= 1e-15 * scale.max(theirs.abs())
    }

    #[test]
    fn logarithms_agree_with_the_platform() {
        for i in 1..200_000 {
            let x = f64::from(i) * 0.0137;
            assert!(close(ln(x), x.ln(), 0.0), "ln {x}: {} and {}", ln(x), x.ln());
        }
        assert_eq!(ln(1.0), 0.0);
        assert!(close(ln(1e-3), 1e-3f64.ln(), 0.0));
        assert!(close(ln(1e6), 1e6f64.ln(), 0.0));
    }

    #[test]
    fn exponentials_agree_with_the_platform() {
        for i in -50_000..50_000 {
            let x = f64::from(i) * 1.37e-4;
            assert!(close(exp(x), x.exp(), 0.0), "exp {x}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f64::INFINITY).is_finite());
    }

    #[test]
    fn sines_and_cosines_agree_with_the_platform() {
        for i in -200_000..200_000 {
            let x = f64::from(i) * 7.3e-4;
            let (cos, sin) = cos_sin(x);
            assert!(close(cos, x.cos(), 0.25) && close(sin, x.sin(), 0.25), "cos, sin {x}");
        }
        assert_eq!(cos_sin(0.0), (1.0, 0.0));
    }

    /// Compares bits, so that a change of order or of constants cannot go unnoticed.
    #[test]
    fn bits_never_change() {
        let values = [ln(32.0), ln(777.7), exp(-3.21), cos_sin(48.5).0, cos_sin(48.5).1];
        let bits: Vec<String> = values.iter().map(|value| format!("{:016x}", value.to_bits())).collect();
        assert_eq!(
            bits.join(" "),
            "400bb9d3beb8c86b 401aa017d08d41e2 3fa4a99f3c5c83d6 bfc8c34065fce57d bfef653d8634285a"
        );
    }
}

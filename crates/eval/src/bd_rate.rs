//! Bjøntegaard delta rate: how many per cent more bits a codec needs than an anchor for the same
//! PSNR.
//!
//! Both curves are taken as log-rate over PSNR. The difference of their integrals over the shared
//! range of PSNR, divided by the width of that range, is the mean log-ratio of the rates
//! (Bjøntegaard, VCEG-M33).

use serde::{Deserialize, Serialize};

use crate::interpolate::{Cubic, Pchip};
use crate::{Curve, EvalError};

/// Fewest points of a curve.
pub const LEAST_POINTS: usize = 4;
/// Smallest range of PSNR, in dB, that both curves must share.
pub const LEAST_SHARED_DB: f64 = 1.0;
/// Smallest part of the narrower curve's range that must be shared. The rest of it does not count.
pub const LEAST_SHARED_PART: f64 = 0.5;

/// How log-rate is interpolated between the measured points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// Piecewise cubic Hermite polynomial through every point, as in current common test
    /// conditions. Published numbers use this.
    #[default]
    Pchip,
    /// One least-squares cubic polynomial for all points (VCEG-M33), to compare with older papers.
    Cubic,
}

/// A BD-rate and the range of PSNR that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BdRate {
    /// Mean difference of the rates in per cent, negative if the tested codec needs fewer bits than
    /// the anchor.
    pub percent: f64,
    /// Lower end of the shared range of PSNR in dB, or of the measure that the curves are over.
    pub psnr_low: f64,
    /// Upper end of that range.
    pub psnr_high: f64,
}

/// BD-rate of `test` against `anchor`.
///
/// # Errors
/// [`EvalError::Curve`] if a curve has fewer than [`LEAST_POINTS`] points, [`EvalError::Overlap`]
/// if they share less than [`LEAST_SHARED_DB`] or less than [`LEAST_SHARED_PART`] of the narrower
/// curve's range of PSNR.
pub fn bd_rate(anchor: &Curve, test: &Curve, interpolation: Interpolation) -> Result<BdRate, EvalError> {
    for curve in [anchor, test] {
        if curve.points().len() < LEAST_POINTS {
            return Err(EvalError::Curve {
                name: curve.name().into(),
                reason: format!("a BD-rate needs {LEAST_POINTS} points or more, there are {}", curve.points().len()),
            });
        }
    }
    let ((anchor_low, anchor_high), (test_low, test_high)) = (anchor.psnr_range(), test.psnr_range());
    let (low, high) = (anchor_low.max(test_low), anchor_high.min(test_high));
    let narrower = (anchor_high - anchor_low).min(test_high - test_low);
    let needed_db = LEAST_SHARED_DB.max(LEAST_SHARED_PART * narrower);
    if high - low < needed_db {
        return Err(EvalError::Overlap {
            anchor: anchor.name().into(),
            test: test.name().into(),
            shared_db: high - low,
            needed_db,
        });
    }
    let difference = integral(test, low, high, interpolation)? - integral(anchor, low, high, interpolation)?;
    Ok(BdRate { percent: ((difference / (high - low)).exp() - 1.0) * 100.0, psnr_low: low, psnr_high: high })
}

/// Integral of the natural logarithm of the rate over PSNR from `low` to `high`.
fn integral(curve: &Curve, low: f64, high: f64, interpolation: Interpolation) -> Result<f64, EvalError> {
    let psnr: Vec<f64> = curve.points().iter().map(|p| p.psnr).collect();
    let log_rate: Vec<f64> = curve.points().iter().map(|p| p.bpp.ln()).collect();
    match interpolation {
        Interpolation::Pchip => Ok(Pchip::new(&psnr, &log_rate).integral(low, high)),
        Interpolation::Cubic => match Cubic::fit(&psnr, &log_rate) {
            Some(cubic) => Ok(cubic.integral(low, high)),
            None => Err(EvalError::Curve {
                name: curve.name().into(),
                reason: "its points lie too close together for a cubic fit".into(),
            }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Point, anchors};

    fn curve(name: &str, points: &[(f64, f64)]) -> Curve {
        Curve::new(name, points.iter().map(|&(bpp, psnr)| Point { bpp, psnr }).collect()).unwrap()
    }

    /// Values of an independent implementation (scipy 1.17 `PchipInterpolator`, numpy `polyfit`) on
    /// the same points.
    #[test]
    fn known_values_against_vtm() {
        let vtm = anchors::get("vtm-22.0").unwrap();
        for (name, pchip, cubic) in [
            ("avif", 38.11315, 38.028997),
            ("cheng2020-attn", 6.317044, 6.348494),
            ("jpeg", 214.410094, 215.635206),
            ("jpeg2000", 270.301538, 270.344332),
            ("jxl", 107.728981, 110.230666),
            ("mbt2018-mean", 21.953194, 22.000684),
            ("mbt2018-mean-vbr", 24.037045, 24.068805),
            ("mlic++", -14.424971, -14.441177),
            ("qarv-base", -5.509642, -5.53166),
            ("webp", 79.485581, 79.394817),
        ] {
            let test = anchors::get(name).unwrap();
            let found = bd_rate(&vtm, &test, Interpolation::Pchip).unwrap();
            assert!((found.percent - pchip).abs() < 1e-4, "{name}: {found:?}, expected {pchip}");
            let found = bd_rate(&vtm, &test, Interpolation::Cubic).unwrap();
            assert!((found.percent - cubic).abs() < 1e-4, "{name}: {found:?}, expected {cubic}");
        }
    }

    #[test]
    fn a_curve_against_itself_is_zero() {
        for anchor in anchors::all().unwrap() {
            for interpolation in [Interpolation::Pchip, Interpolation::Cubic] {
                let found = bd_rate(&anchor.curve, &anchor.curve, interpolation).unwrap();
                assert!(found.percent.abs() < 1e-9, "{}: {found:?}", anchor.curve.name());
            }
        }
    }

    #[test]
    fn half_the_bits_everywhere_is_minus_fifty_per_cent() {
        let a = curve("a", &[(0.2, 28.0), (0.4, 31.0), (0.9, 34.5), (2.0, 39.0)]);
        let b = curve("b", &[(0.1, 28.0), (0.2, 31.0), (0.45, 34.5), (1.0, 39.0)]);
        for interpolation in [Interpolation::Pchip, Interpolation::Cubic] {
            assert!((bd_rate(&a, &b, interpolation).unwrap().percent + 50.0).abs() < 1e-9);
            assert!((bd_rate(&b, &a, interpolation).unwrap().percent - 100.0).abs() < 1e-9);
        }
    }

    #[test]
    fn refuses_too_little_overlap() {
        let a = curve("a", &[(0.1, 26.0), (0.2, 28.0), (0.4, 30.0), (0.8, 32.0)]);
        let apart = curve("b", &[(0.9, 33.0), (1.2, 35.0), (1.5, 37.0), (1.9, 39.0)]);
        let message = bd_rate(&a, &apart, Interpolation::Pchip).unwrap_err().to_string();
        assert!(message.contains("share 0.00 dB, at least 3.00 dB"), "{message}");
        // 2 dB of 6 dB
        let touching = curve("c", &[(0.5, 30.0), (0.9, 32.0), (1.5, 34.0), (1.9, 36.0)]);
        assert!(matches!(bd_rate(&a, &touching, Interpolation::Pchip), Err(EvalError::Overlap { .. })));
        // 4 dB of 6 dB
        let enough = curve("d", &[(0.3, 28.0), (0.5, 30.0), (0.9, 32.0), (1.5, 34.0)]);
        let found = bd_rate(&a, &enough, Interpolation::Pchip).unwrap();
        assert_eq!((found.psnr_low, found.psnr_high), (28.0, 32.0));
    }

    #[test]
    fn refuses_three_points() {
        let a = curve("a", &[(0.1, 26.0), (0.2, 28.0), (0.4, 30.0)]);
        let message = bd_rate(&a, &a, Interpolation::Pchip).unwrap_err().to_string();
        assert!(message.contains("4 points or more"), "{message}");
    }
}

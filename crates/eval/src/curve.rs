//! Rate-distortion curves.

use serde::{Deserialize, Serialize};

use crate::EvalError;

/// Rate in bits per pixel of a file of `bytes` bytes with an image of `width` × `height` pixels.
///
/// ```
/// assert_eq!(heirloom_eval::bits_per_pixel(49_152, 768, 512), 1.0);
/// ```
pub fn bits_per_pixel(bytes: u64, width: u32, height: u32) -> f64 {
    bytes as f64 * 8.0 / (f64::from(width) * f64::from(height))
}

/// One operating point of a codec, averaged over a data set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Rate in bits per pixel, greater than zero.
    pub bpp: f64,
    /// Mean PSNR of the images in dB, over 8-bit RGB; in a curve over another
    /// [measure](crate::Measure), the quality by that.
    pub psnr: f64,
}

/// Operating points of a codec on a data set, in ascending PSNR.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    name: String,
    points: Vec<Point>,
}

impl Curve {
    /// Builds a curve from points in any order.
    ///
    /// # Errors
    /// [`EvalError::Curve`] if there is no point, a value is not finite, a rate is not positive, or
    /// PSNR falls as the rate rises, because such a curve has no unique rate for a PSNR.
    pub fn new(name: impl Into<String>, mut points: Vec<Point>) -> Result<Self, EvalError> {
        let name = name.into();
        let refuse = |reason: String| Err(EvalError::Curve { name: name.clone(), reason });
        if points.is_empty() {
            return refuse("it has no points".into());
        }
        if let Some(p) = points.iter().find(|p| !p.bpp.is_finite() || !p.psnr.is_finite() || p.bpp <= 0.0) {
            return refuse(format!(
                "the point {} bpp, {} dB is not a finite, positive rate and a finite PSNR",
                p.bpp, p.psnr
            ));
        }
        points.sort_by(|a, b| a.psnr.total_cmp(&b.psnr));
        if let Some(w) = points.windows(2).find(|w| w[0].psnr >= w[1].psnr || w[0].bpp >= w[1].bpp) {
            return refuse(format!(
                "it does not rise: {:.4} bpp gives {:.3} dB and {:.4} bpp gives {:.3} dB",
                w[0].bpp, w[0].psnr, w[1].bpp, w[1].psnr
            ));
        }
        Ok(Self { name, points })
    }

    /// Builds a curve from the Pareto front of the points: a point is left out if another one has
    /// at most its rate and at least its PSNR.
    ///
    /// # Errors
    /// Fails as [`Curve::new`] does for the points that remain.
    pub fn pareto(name: impl Into<String>, points: &[Point]) -> Result<Self, EvalError> {
        let beaten = |i: usize, p: &Point| {
            points.iter().enumerate().any(|(j, q)| {
                let as_good = q.bpp <= p.bpp && q.psnr >= p.psnr;
                as_good && (q.bpp < p.bpp || q.psnr > p.psnr || j < i)
            })
        };
        let kept = points.iter().enumerate().filter(|(i, p)| !beaten(*i, p)).map(|(_, p)| *p).collect();
        Self::new(name, kept)
    }

    /// Name of the codec.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The points, in ascending PSNR and ascending rate.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Lowest and highest PSNR in dB.
    pub fn psnr_range(&self) -> (f64, f64) {
        // A curve has at least one point, and they are sorted.
        self.points
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), p| (low.min(p.psnr), high.max(p.psnr)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(f64, f64)]) -> Vec<Point> {
        values.iter().map(|&(bpp, psnr)| Point { bpp, psnr }).collect()
    }

    #[test]
    fn sorts_its_points() {
        let curve = Curve::new("c", points(&[(2.0, 40.0), (0.5, 30.0), (1.0, 35.0)])).unwrap();
        assert_eq!(curve.points().iter().map(|p| p.bpp).collect::<Vec<_>>(), [0.5, 1.0, 2.0]);
        assert_eq!(curve.psnr_range(), (30.0, 40.0));
    }

    #[test]
    fn the_front_leaves_out_what_costs_more_for_nothing() {
        let all = points(&[(0.5, 30.0), (1.2, 34.9), (1.0, 35.0), (1.0, 35.0), (1.1, 35.0), (2.0, 40.0)]);
        let kept = points(&[(0.5, 30.0), (1.0, 35.0), (2.0, 40.0)]);
        assert_eq!(Curve::pareto("c", &all).unwrap().points(), kept);
        let odd = points(&[(1.0, f64::NAN), (0.5, 30.0)]);
        assert!(Curve::pareto("c", &odd).is_err() && Curve::pareto("c", &[]).is_err());
    }

    #[test]
    fn refuses_what_is_no_curve() {
        for (bad, says) in [
            (vec![], "no points"),
            (points(&[(0.0, 30.0)]), "positive"),
            (points(&[(1.0, f64::INFINITY)]), "finite"),
            (points(&[(f64::NAN, 30.0)]), "finite"),
            (points(&[(1.0, 30.0), (0.9, 31.0)]), "does not rise"),
            (points(&[(1.0, 30.0), (1.2, 30.0)]), "does not rise"),
        ] {
            let message = Curve::new("codec x", bad).unwrap_err().to_string();
            assert!(message.contains(says) && message.contains("codec x"), "{message}");
        }
    }
}

//! Two interpolations of the points of a curve, each with its exact integral.

/// Piecewise cubic Hermite polynomial that preserves monotonicity (Fritsch and Butland 1984).
pub(crate) struct Pchip<'a> {
    x: &'a [f64],
    y: &'a [f64],
    slope: Vec<f64>,
}

impl<'a> Pchip<'a> {
    /// `x` ascends strictly; both slices have the same length of at least 2.
    pub(crate) fn new(x: &'a [f64], y: &'a [f64]) -> Self {
        let step: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
        let chord: Vec<f64> = y.windows(2).zip(&step).map(|(w, h)| (w[1] - w[0]) / h).collect();
        let n = x.len();
        let slope = (0..n)
            .map(|i| match (i, n) {
                (_, 2) => chord[0],
                (0, _) => end_slope(step[0], step[1], chord[0], chord[1]),
                (i, n) if i == n - 1 => end_slope(step[n - 2], step[n - 3], chord[n - 2], chord[n - 3]),
                (i, _) => inner_slope(step[i - 1], step[i], chord[i - 1], chord[i]),
            })
            .collect();
        Self { x, y, slope }
    }

    /// Integral from `low` to `high`, both inside the range of `x`.
    pub(crate) fn integral(&self, low: f64, high: f64) -> f64 {
        (0..self.x.len() - 1)
            .map(|i| {
                let (a, b) = (low.max(self.x[i]), high.min(self.x[i + 1]));
                if a < b { self.antiderivative(i, b) - self.antiderivative(i, a) } else { 0.0 }
            })
            .sum()
    }

    /// Antiderivative of the piece between `x[i]` and `x[i + 1]`, zero at `x[i]`.
    fn antiderivative(&self, i: usize, at: f64) -> f64 {
        let h = self.x[i + 1] - self.x[i];
        let t = (at - self.x[i]) / h;
        let (t2, t3, t4) = (t * t, t * t * t, t * t * t * t);
        // Integrals over 0..t of the four Hermite basis polynomials.
        let value_left = t4 / 2.0 - t3 + t;
        let slope_left = t4 / 4.0 - 2.0 * t3 / 3.0 + t2 / 2.0;
        let value_right = t3 - t4 / 2.0;
        let slope_right = t4 / 4.0 - t3 / 3.0;
        h * (value_left * self.y[i]
            + slope_left * h * self.slope[i]
            + value_right * self.y[i + 1]
            + slope_right * h * self.slope[i + 1])
    }
}

/// Weighted harmonic mean of the neighbouring chords, zero at a turning point.
fn inner_slope(h0: f64, h1: f64, d0: f64, d1: f64) -> f64 {
    if d0 * d1 <= 0.0 {
        return 0.0;
    }
    let (w0, w1) = (2.0 * h1 + h0, h1 + 2.0 * h0);
    (w0 + w1) / (w0 / d0 + w1 / d1)
}

/// One-sided three-point slope, limited so that the end piece stays monotone.
fn end_slope(h0: f64, h1: f64, d0: f64, d1: f64) -> f64 {
    let slope = ((2.0 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
    if slope * d0 <= 0.0 {
        0.0
    } else if d0 * d1 <= 0.0 && slope.abs() > 3.0 * d0.abs() {
        3.0 * d0
    } else {
        slope
    }
}

/// Least-squares cubic through all points, on `x` centred and scaled to keep the equations well
/// conditioned.
pub(crate) struct Cubic {
    centre: f64,
    scale: f64,
    /// Coefficients of ascending powers.
    coefficient: [f64; 4],
}

impl Cubic {
    /// Both slices have the same length of at least 4, and `x` at least four different values;
    /// `None` otherwise.
    pub(crate) fn fit(x: &[f64], y: &[f64]) -> Option<Self> {
        let (low, high) =
            (x.iter().copied().fold(f64::INFINITY, f64::min), x.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        let (centre, scale) = ((low + high) / 2.0, (high - low) / 2.0);
        // Normal equations A c = b, A symmetric 4×4, solved by elimination with pivoting; the last
        // column is b.
        let mut rows = [[0.0; 5]; 4];
        for (&x, &y) in x.iter().zip(y) {
            let t = (x - centre) / scale;
            let powers = [1.0, t, t * t, t * t * t];
            for (row, p) in rows.iter_mut().zip(powers) {
                for (cell, q) in row.iter_mut().zip(powers) {
                    *cell += p * q;
                }
                row[4] += p * y;
            }
        }
        for i in 0..4 {
            let pivot = (i..4).max_by(|&a, &b| rows[a][i].abs().total_cmp(&rows[b][i].abs()))?;
            rows.swap(i, pivot);
            if rows[i][i].is_nan() || rows[i][i].abs() < 1e-12 {
                return None;
            }
            let top = rows[i];
            for (k, row) in rows.iter_mut().enumerate() {
                if k != i {
                    let factor = row[i] / top[i];
                    for (cell, t) in row.iter_mut().zip(top) {
                        *cell -= factor * t;
                    }
                }
            }
        }
        Some(Self { centre, scale, coefficient: std::array::from_fn(|i| rows[i][4] / rows[i][i]) })
    }

    /// Integral from `low` to `high`.
    pub(crate) fn integral(&self, low: f64, high: f64) -> f64 {
        let antiderivative = |x: f64| {
            let t = (x - self.centre) / self.scale;
            let [c0, c1, c2, c3] = self.coefficient;
            self.scale * t * (c0 + t * (c1 / 2.0 + t * (c2 / 3.0 + t * c3 / 4.0)))
        };
        antiderivative(high) - antiderivative(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pchip_of_a_straight_line_is_the_line() {
        let (x, y) = ([0.0, 1.0, 3.0, 4.0], [1.0, 3.0, 7.0, 9.0]);
        let integral = Pchip::new(&x, &y).integral(0.5, 3.5);
        assert!((integral - (3.5 * 3.5 + 3.5 - 0.25 - 0.5)).abs() < 1e-12, "{integral}");
    }

    #[test]
    fn pchip_equals_an_independent_implementation() {
        // scipy 1.17: PchipInterpolator(x, y).integrate(0.25, 4.5)
        let (x, y) = ([0.0, 1.0, 1.5, 3.0, 5.0], [0.0, 2.0, 2.5, 2.25, 6.0]);
        let integral = Pchip::new(&x, &y).integral(0.25, 4.5);
        assert!((integral - 10.353306361607142).abs() < 1e-10, "{integral}");
    }

    #[test]
    fn cubic_recovers_a_cubic() {
        let x = [20.0, 25.0, 31.0, 36.0, 44.0];
        let y = x.map(|x: f64| 1.0 - 2.0 * x + 0.5 * x * x - 0.01 * x * x * x);
        let integral = Cubic::fit(&x, &y).unwrap().integral(22.0, 40.0);
        let exact = |x: f64| x - x * x + x * x * x / 6.0 - 0.0025 * x.powi(4);
        assert!((integral / (exact(40.0) - exact(22.0)) - 1.0).abs() < 1e-10, "{integral}");
    }

    #[test]
    fn cubic_needs_four_different_places() {
        assert!(Cubic::fit(&[1.0, 1.0, 2.0, 3.0], &[0.0; 4]).is_none());
    }
}

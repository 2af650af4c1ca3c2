//! Round numbers for an axis.

/// At most `most` multiples of 1, 2, 2.5 or 5 times a power of ten inside `low..=high`, and the
/// decimals to print.
pub(super) fn nice(low: f64, high: f64, most: usize) -> (Vec<f64>, usize) {
    let raw = (high - low) / most.max(1) as f64;
    let power = raw.log10().floor();
    let base = 10f64.powf(power);
    let factor = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|f| f * base >= raw).unwrap_or(10.0);
    let step = factor * base;
    let digits = (-(step.log10().floor())).max(0.0) as usize + usize::from(factor == 2.5);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    ((first..=last).map(|i| i as f64 * step).collect(), digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert_eq!(
            nice(0.0, 1.7, 9),
            (vec![0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0, 1.2000000000000002, 1.4000000000000001, 1.6], 1)
        );
        assert_eq!(nice(27.4, 36.2, 9), ((28..=36).map(f64::from).collect(), 0));
        assert_eq!(nice(0.0, 2.2, 9).1, 2);
        assert_eq!(nice(0.0, 2.2, 9).0[1], 0.25);
    }
}

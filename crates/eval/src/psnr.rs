//! Peak signal-to-noise ratio of 8-bit images.

use crate::EvalError;

/// PSNR in dB between two 8-bit images, over all samples of all channels together.
///
/// `a` and `b` hold interleaved samples of images of the same size; published numbers are those of
/// RGB. Identical images give [`f64::INFINITY`].
///
/// # Errors
/// [`EvalError::Shape`] if the buffers are empty or differ in length.
///
/// ```
/// let a = [10u8, 20, 30];
/// let b = [11u8, 19, 31];
/// // every sample is off by one: 10 · log10(255² / 1)
/// assert!((heirloom_eval::psnr(&a, &b).unwrap() - 48.1308).abs() < 1e-4);
/// ```
pub fn psnr(a: &[u8], b: &[u8]) -> Result<f64, EvalError> {
    if a.is_empty() || a.len() != b.len() {
        return Err(EvalError::Shape {
            expected: format!("{} samples", a.len().max(1)),
            found: format!("{} samples", b.len()),
        });
    }
    // A u64 holds the sum of 2^48 squared differences of 8-bit samples exactly, in any order.
    let squares: u64 = a.iter().zip(b).map(|(&x, &y)| u64::from(x.abs_diff(y)).pow(2)).sum();
    let mse = squares as f64 / a.len() as f64;
    Ok(10.0 * (255.0f64 * 255.0 / mse).log10())
}

/// Arithmetic mean; NaN without values.
///
/// The PSNR of a data set is the mean PSNR of its images, not the PSNR of their mean error.
pub fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (count, sum) = values.into_iter().fold((0usize, 0.0), |(n, s), v| (n + 1, s + v));
    sum / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identical_images_are_infinitely_good() {
        assert_eq!(psnr(&[1, 2, 3], &[1, 2, 3]), Ok(f64::INFINITY));
    }

    #[test]
    fn black_against_white_is_zero_decibel() {
        assert_eq!(psnr(&[0; 12], &[255; 12]), Ok(0.0));
    }

    #[test]
    fn one_wrong_sample_in_a_hundred() {
        let a = [100u8; 100];
        let mut b = a;
        b[57] = 110;
        // MSE = 100 / 100 = 1
        let value = psnr(&a, &b).unwrap();
        assert!((value - 20.0 * 255.0f64.log10()).abs() < 1e-12, "{value}");
    }

    #[test]
    fn refuses_unequal_and_empty_buffers() {
        assert!(matches!(psnr(&[0; 3], &[0; 6]), Err(EvalError::Shape { .. })));
        assert!(matches!(psnr(&[], &[]), Err(EvalError::Shape { .. })));
    }

    #[test]
    fn mean_of_values() {
        assert_eq!(mean([1.0, 2.0, 6.0]), 3.0);
        assert!(mean([]).is_nan());
    }
}

//! Ranges of λ, and the quality scale over them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ModelError;

/// Smallest and largest λ that any model may claim. λ multiplies the mean squared error of an image
/// with samples in [-1, 1].
const LAMBDA_BOUNDS: (f32, f32) = (1e-3, 1e6);

/// The values of λ that a branch was trained for, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f32; 2]", into = "[f32; 2]")]
pub struct LambdaRange {
    /// Lowest λ: the smallest files.
    pub low: f32,
    /// Highest λ: the best images.
    pub high: f32,
}

/// A λ outside the range that a model's encoder was trained for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LambdaError {
    /// The λ asked for.
    pub lambda: f32,
    /// The range that the model offers.
    pub range: LambdaRange,
}

impl fmt::Display for LambdaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lambda, range } = self;
        write!(f, "λ = {lambda} is outside the model's range, {} to {}; choose a λ within it", range.low, range.high)
    }
}

impl std::error::Error for LambdaError {}

impl LambdaRange {
    /// The range of the paper's pre-training (Duan et al., CVPR 2024, section 5).
    pub const PRETRAINING: Self = Self { low: 32.0, high: 1024.0 };

    /// Whether `lambda` lies in the range. NaN does not.
    #[must_use]
    pub fn contains(self, lambda: f32) -> bool {
        self.low <= lambda && lambda <= self.high
    }

    /// Returns `lambda` if it lies in the range.
    ///
    /// # Errors
    /// [`LambdaError`] otherwise, for NaN too.
    pub fn check(self, lambda: f32) -> Result<f32, LambdaError> {
        if self.contains(lambda) { Ok(lambda) } else { Err(LambdaError { lambda, range: self }) }
    }

    /// The λ in the range that is nearest to `lambda`; `low` for NaN.
    #[must_use]
    pub fn clamp(self, lambda: f32) -> f32 {
        if lambda > self.high {
            self.high
        } else if lambda > self.low {
            lambda
        } else {
            self.low
        }
    }

    /// The λ of a quality from 0 to 100: low · (high / low)^(quality / 100). Both ends are exact; a
    /// quality outside 0 to 100 gives the nearer end, NaN the lower one.
    #[must_use]
    pub fn at_quality(self, quality: f32) -> f32 {
        let ratio = f64::from(self.high) / f64::from(self.low);
        self.clamp((f64::from(self.low) * ratio.powf(f64::from(quality) / 100.0)) as f32)
    }

    /// `count` values of λ from the lowest to the highest, evenly spaced on a logarithmic scale. A
    /// single value is the lowest.
    #[must_use]
    pub fn log_spaced(self, count: u8) -> Vec<f32> {
        let steps = f32::from(count.max(2) - 1);
        (0..count).map(|i| self.at_quality(100.0 * f32::from(i) / steps)).collect()
    }

    /// Both ends as `f32` bits, little endian.
    pub(super) fn canonical_bytes(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&self.low.to_bits().to_le_bytes());
        bytes[4..].copy_from_slice(&self.high.to_bits().to_le_bytes());
        bytes
    }

    fn validate(self, name: &str) -> Result<(), ModelError> {
        let (least, most) = LAMBDA_BOUNDS;
        if least <= self.low && self.low <= self.high && self.high <= most {
            Ok(())
        } else {
            Err(ModelError::Metadata(format!(
                "the λ range of {name} is {} to {}; it must be ascending and within {least} to {most}",
                self.low, self.high
            )))
        }
    }
}

impl From<[f32; 2]> for LambdaRange {
    fn from([low, high]: [f32; 2]) -> Self {
        Self { low, high }
    }
}

impl From<LambdaRange> for [f32; 2] {
    fn from(range: LambdaRange) -> Self {
        [range.low, range.high]
    }
}

/// The λ range of each branch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LambdaRanges {
    /// The entropy branch clamps λ to this range. It never changes within a lineage.
    pub entropy: LambdaRange,
    /// The values of λ that a caller may encode with.
    pub encoder: LambdaRange,
    /// The reconstruction branch clamps λ to this range.
    pub reconstruction: LambdaRange,
}

impl LambdaRanges {
    /// The same range for all branches, as after pre-training.
    #[must_use]
    pub const fn all(range: LambdaRange) -> Self {
        Self { entropy: range, encoder: range, reconstruction: range }
    }

    /// Checks each range.
    ///
    /// # Errors
    /// [`ModelError::Metadata`] naming the branch.
    pub fn validate(&self) -> Result<(), ModelError> {
        self.entropy.validate("the entropy branch")?;
        self.encoder.validate("the encoder")?;
        self.reconstruction.validate("the reconstruction branch")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_is_a_logarithmic_scale_of_lambda() {
        let range = LambdaRange::PRETRAINING;
        let found = [0.0, 20.0, 40.0, 60.0, 80.0, 100.0].map(|quality| range.at_quality(quality));
        for (found, expected) in found.into_iter().zip([32.0, 64.0, 128.0, 256.0, 512.0, 1024.0]) {
            assert!((found / expected - 1.0).abs() < 1e-6, "{found} instead of {expected}");
        }
        assert_eq!((found[0], found[5]), (32.0, 1024.0));
        assert_eq!(range.log_spaced(6), found);
        assert_eq!(range.log_spaced(1), [32.0]);
        assert_eq!([-1.0, 101.0, f32::NAN].map(|quality| range.at_quality(quality)), [32.0, 1024.0, 32.0]);
    }

    #[test]
    fn a_lambda_outside_the_range_is_refused_with_the_range() {
        let range = LambdaRange::PRETRAINING;
        assert_eq!(range.check(32.0), Ok(32.0));
        for bad in [31.9, 1025.0, f32::NAN, f32::INFINITY] {
            assert!(range.check(bad).unwrap_err().to_string().contains("32 to 1024"), "{bad}");
        }
    }
}

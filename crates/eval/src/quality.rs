//! How good a decoded image is, by several measures.

use serde::{Deserialize, Serialize};

use crate::{EvalError, mean, ms_ssim, psnr};

/// Qualities of an image, or their means over several.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Qualities {
    /// PSNR in dB of 8-bit RGB; infinite, and `null` in JSON, for identical images.
    #[serde(with = "infinity_as_null")]
    pub psnr: f64,
    /// MS-SSIM of 8-bit RGB; `None` for images that are too small for it.
    pub ms_ssim: Option<f64>,
    /// SSIMULACRA 2; `None` if it is not built in (feature `ssimulacra2`), and for images that are too
    /// small for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssimulacra2: Option<f64>,
}

/// What a curve or a BD-rate is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// PSNR, in dB.
    #[default]
    Psnr,
    /// MS-SSIM as −10 · log₁₀(1 − x), in dB.
    MsSsim,
    /// SSIMULACRA 2, in its own points.
    Ssimulacra2,
}

impl Qualities {
    /// Qualities of an interleaved 8-bit RGB image of `width` × `height` pixels against its original.
    ///
    /// # Errors
    /// [`EvalError::Shape`] if a buffer is not `3 · width · height` long.
    pub fn of(original: &[u8], decoded: &[u8], width: usize, height: usize) -> Result<Self, EvalError> {
        let optional = |result| match result {
            Err(EvalError::TooSmall { .. }) => Ok(None),
            result => result.map(Some),
        };
        Ok(Self {
            psnr: psnr(original, decoded)?,
            ms_ssim: optional(ms_ssim(original, decoded, width, height))?,
            #[cfg(feature = "ssimulacra2")]
            ssimulacra2: optional(crate::ssimulacra2(original, decoded, width, height))?,
            #[cfg(not(feature = "ssimulacra2"))]
            ssimulacra2: None,
        })
    }

    /// Means over images. A measure that one of them does not have is left out.
    #[must_use]
    pub fn mean(all: &[Self]) -> Self {
        let optional = |value: fn(&Self) -> Option<f64>| {
            let values: Option<Vec<f64>> = all.iter().map(value).collect();
            values.map(mean)
        };
        Self {
            psnr: mean(all.iter().map(|q| q.psnr)),
            ms_ssim: optional(|q| q.ms_ssim),
            ssimulacra2: optional(|q| q.ssimulacra2),
        }
    }

    /// The quality by a measure, on its scale.
    #[must_use]
    pub fn by(&self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::Psnr => Some(self.psnr),
            Measure::MsSsim => self.ms_ssim.map(|x| -10.0 * (1.0 - x).log10()),
            Measure::Ssimulacra2 => self.ssimulacra2,
        }
    }
}

impl Measure {
    /// Whether this is PSNR.
    #[must_use]
    pub fn is_psnr(&self) -> bool {
        *self == Self::Psnr
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Psnr => "PSNR",
            Self::MsSsim => "MS-SSIM",
            Self::Ssimulacra2 => "SSIMULACRA 2",
        }
    }

    /// The unit of its scale.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Psnr | Self::MsSsim => "dB",
            Self::Ssimulacra2 => "points",
        }
    }
}

/// Writes infinity as `null`, because JSON has no infinity.
mod infinity_as_null {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        value.is_finite().then_some(*value).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_leave_out_what_an_image_lacks() {
        let first = Qualities { psnr: 30.0, ms_ssim: Some(0.75), ssimulacra2: None };
        let second = Qualities { psnr: 40.0, ms_ssim: Some(0.99), ssimulacra2: Some(80.0) };
        let mean = Qualities::mean(&[first, second]);
        assert_eq!((mean.psnr, mean.ms_ssim, mean.ssimulacra2), (35.0, Some(0.87), None));
        assert_eq!(Qualities::mean(&[second]).by(Measure::Ssimulacra2), Some(80.0));
        assert!((second.by(Measure::MsSsim).unwrap() - 20.0).abs() < 1e-9);
    }

    #[test]
    fn small_images_have_fewer_measures_and_other_shapes_are_refused() {
        let image = vec![7; 3 * 20 * 10];
        let qualities = Qualities::of(&image, &image, 20, 10).unwrap();
        assert_eq!((qualities.psnr, qualities.ms_ssim), (f64::INFINITY, None));
        assert_eq!(qualities.ssimulacra2.is_some(), cfg!(feature = "ssimulacra2"));
        assert!(matches!(Qualities::of(&image, &image[..30], 20, 10), Err(EvalError::Shape { .. })));
    }
}

//! Encoding effort: time spent on better symbols than the encoder's. The format, decoders and models
//! know nothing of it.

use std::fmt;

#[cfg(feature = "effort")]
pub(super) use search::refine;

/// Effort of encoding: how long the encoder looks for symbols that cost fewer bits or show less error.
/// 1, the default, takes what the network says; 5 takes over a minute for a megapixel on two cores, and
/// each step about 1.6 times as long as the one before. A file with more effort than 1 is never worse at
/// its λ than one without, and decodes as fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Effort(u8);

/// Gradient steps for each effort.
const STEPS: [usize; 9] = [0, 8, 12, 20, 30, 50, 90, 150, 250];

/// An effort that is not from 1 to 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EffortError(pub u8);

impl Effort {
    /// The highest effort.
    pub const HIGHEST: Self = Self(9);

    /// An effort from 1 to 9.
    ///
    /// # Errors
    /// Any other number.
    pub const fn new(effort: u8) -> Result<Self, EffortError> {
        match effort {
            1..=9 => Ok(Self(effort)),
            _ => Err(EffortError(effort)),
        }
    }

    /// The number, 1 to 9.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }

    /// Gradient steps; 0 if there is no search.
    pub(super) fn steps(self) -> usize {
        STEPS.get(usize::from(self.0) - 1).copied().unwrap_or_default()
    }
}

impl Default for Effort {
    fn default() -> Self {
        Self(1)
    }
}

impl fmt::Display for EffortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "effort {} is not from 1 to 9", self.0)
    }
}

impl std::error::Error for EffortError {}

#[cfg(feature = "effort")]
mod search {
    use crate::coding::canvas::{CodedCanvas, Setting, Wanted};
    use crate::coding::{EncodeError, Model};
    use crate::model::LATENT_LEVELS;
    use crate::network::{dequantise, quantise_residuals};
    use crate::refine::{self, Branches, Canvas, FIRST};
    use heirloom_format::container::CANVAS_UNIT;
    use heirloom_kernels::Map;

    /// Codes a canvas once more, with symbols of z3 and z4 that `steps` gradient steps have found.
    /// `residuals` are what the symbols of its plain coding were rounded from, `seen` are height and
    /// width of what the canvas shows.
    pub fn refine(
        model: &Model,
        setting: Setting,
        image: &Map,
        seen: (usize, usize),
        residuals: [Map; LATENT_LEVELS],
        steps: usize,
        wanted: Wanted,
    ) -> Result<CodedCanvas, EncodeError> {
        let Some(weights) = &model.weights else { return Err(EncodeError::NoEncoder) };
        let grid = (image.height / CANVAS_UNIT, image.width / CANVAS_UNIT);
        let [z1, z2, z3, z4] = residuals;
        let coarse = [z1, z2].map(|residuals| quantise_residuals(&residuals));
        let features = features(model, setting, grid, &coarse);
        let Setting { engine, lambda, add_on } = setting;
        let weights = weights.with_heads(add_on);
        let branches = Branches::new(&model.network, &model.metadata.spec, &weights, (engine, lambda, add_on))?;
        drop(weights);
        let canvas = Canvas { image, seen, features: features.each_ref(), lambda: setting.lambda };
        let fine = refine::refine(&branches, &canvas, [z3, z4], steps);
        drop((branches, features));
        let [z1, z2] = coarse;
        let [z3, z4] = fine.map(|residuals| quantise_residuals(&residuals));
        let symbols = [z1, z2, z3, z4];
        model.code_canvas(setting, grid, wanted, |level, walk, prior| {
            walk.correct(&symbols[level], prior);
            symbols[level].clone()
        })
    }

    /// The features of entropy and reconstruction branch before the first level that is refined.
    fn features(
        model: &Model,
        setting: Setting,
        (height, width): (usize, usize),
        coarse: &[Vec<i32>; FIRST],
    ) -> [Map; 2] {
        let mut entropy = model.entropy_walk(setting, height, width);
        let mut image = model.reconstruction_walk(setting, height, width);
        for symbols in coarse {
            let mut prior = entropy.prior();
            entropy.correct(symbols, &mut prior);
            let latent = dequantise(symbols, prior);
            entropy.absorb(&latent);
            image.merge(&latent, entropy.feature());
            image.rise();
            entropy.advance();
        }
        [entropy.feature().clone(), image.into_feature()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn efforts_are_1_to_9_and_cost_more_and_more() {
        assert!(Effort::new(0).is_err() && Effort::new(10).is_err());
        let steps: Vec<usize> = (1..=9).map(|effort| Effort::new(effort).unwrap().steps()).collect();
        assert!(steps[0] == 0 && steps.is_sorted_by(|a, b| a < b), "{steps:?}");
        assert_eq!((Effort::default().get(), Effort::HIGHEST.get()), (1, 9));
    }
}

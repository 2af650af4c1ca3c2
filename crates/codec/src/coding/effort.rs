//! Encoding effort: time spent on better symbols than the encoder's. The format, decoders and models
//! know nothing of it.

use std::fmt;

/// Effort of encoding: how long the encoder looks for symbols that cost fewer bits or show less error.
/// 1, the default, takes what the network says; 5 takes over a minute for a megapixel on two cores, and
/// each step about 1.7 times as long as the one before. A file with more effort than 1 is never worse at
/// its λ than one without, and decodes as fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Effort(u8);

/// Gradient steps for each effort.
const STEPS: [usize; 9] = [0, 12, 25, 50, 100, 180, 320, 520, 800];

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

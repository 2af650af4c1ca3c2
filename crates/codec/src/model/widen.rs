//! The starting point of learning for a wider range of λ.

use super::{Branch, LambdaRange, LambdaRanges, ModelError, ModelFile, QuantisedWeights, Values, Weights};

impl ModelFile {
    /// Makes a child whose encoder and reconstruction branch take λ from `range`; see
    /// [`Weights::widen`]. The child is a starting point for learning: until it has learned, it
    /// codes worse than its parent.
    ///
    /// # Errors
    /// A range that does not contain the old ones, or that exceeds what any model may claim.
    pub fn widened(&self, range: LambdaRange) -> Result<Self, ModelError> {
        let mut weights = self.weights.clone();
        let lambda = widen(self.metadata.lambda, range, |layer, factor| weights.scale(layer, factor))?;
        self.child(lambda, weights)
    }
}

impl QuantisedWeights {
    /// Multiplies the weights of a product, by its gains.
    fn scale(&mut self, product: &str, factor: f32) -> Result<(), ModelError> {
        let name = format!("{product}.gain");
        match self.get_mut(&name).map(|tensor| &mut tensor.values) {
            Some(Values::Floats(gains)) => gains.iter_mut().for_each(|gain| *gain *= factor),
            _ => return Err(ModelError::Missing(name)),
        }
        Ok(())
    }
}

impl Weights {
    /// Rescales the λ perceptrons of encoder and reconstruction branch from their `old` ranges to
    /// `range`, and returns the new ranges (Duan et al., CVPR 2024, section 4: rate-incremental
    /// learning).
    ///
    /// A new end of the range then starts near the values that the old end had: for a higher upper
    /// end, the weight of the first layer is multiplied by old high / new high; for a lower lower
    /// end, that of the last by new low / old low. The factor is divided in binary64 and rounded to
    /// binary32 once. Biases stay, and so does the entropy branch with its range.
    ///
    /// # Errors
    /// A range that does not contain the old ones, or that exceeds what any model may claim; a
    /// missing weight.
    pub fn widen(&mut self, old: LambdaRanges, range: LambdaRange) -> Result<LambdaRanges, ModelError> {
        widen(old, range, |layer, factor| self.scale(layer, factor))
    }

    fn scale(&mut self, product: &str, factor: f32) -> Result<(), ModelError> {
        let name = format!("{product}.weight");
        let mut tensor = self.remove(&name).ok_or_else(|| ModelError::Missing(name.clone()))?;
        tensor.data.iter_mut().for_each(|value| *value *= factor);
        self.insert(name, tensor);
        Ok(())
    }
}

/// Rescales the layers that have to be, by `scale`, and returns the new ranges.
fn widen(
    old: LambdaRanges,
    range: LambdaRange,
    mut scale: impl FnMut(&str, f32) -> Result<(), ModelError>,
) -> Result<LambdaRanges, ModelError> {
    let new = LambdaRanges { entropy: old.entropy, encoder: range, reconstruction: range };
    new.validate()?;
    for (branch, old) in [(Branch::Encoder, old.encoder), (Branch::Reconstruction, old.reconstruction)] {
        if range.low > old.low || range.high < old.high {
            return Err(ModelError::Metadata(format!(
                "the λ range {} to {} does not contain the {branch}'s range, {} to {}; choose a range that does",
                range.low, range.high, old.low, old.high
            )));
        }
        let quotient = |a: f32, b: f32| (f64::from(a) / f64::from(b)) as f32;
        scale(&format!("{branch}.lambda.fc1"), quotient(old.high, range.high))?;
        scale(&format!("{branch}.lambda.fc2"), quotient(range.low, old.low))?;
    }
    Ok(new)
}

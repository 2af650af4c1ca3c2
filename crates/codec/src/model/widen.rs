//! Where learning for a wider range of λ starts from.

use super::{LambdaRange, LambdaRanges, ModelError, ModelFile, Weights};

impl ModelFile {
    /// A child whose encoder and reconstruction branch take λ from `range`, which holds their old ranges. It is meant to
    /// learn: until then it codes worse than its parent.
    ///
    /// The λ perceptrons of both are rescaled (method: knowledge replay, rate-incremental), so that a new end of the range
    /// starts near the values that the old end had: for a higher upper end the weight of the first layer is multiplied by
    /// old high / new high, for a lower lower end that of the last by new low / old low. The factor is divided in
    /// binary64 and rounded to binary32 once. Biases stay, and so does the entropy branch, with its range.
    ///
    /// # Errors
    /// A range that does not hold the old ones, or is beyond what any model may claim.
    pub fn widened(&self, range: LambdaRange) -> Result<Self, ModelError> {
        let old = self.metadata.lambda;
        let lambda = LambdaRanges { entropy: old.entropy, encoder: range, reconstruction: range };
        lambda.validate()?;
        let mut weights = self.weights.clone();
        for (branch, old) in [("encoder", old.encoder), ("reconstruction", old.reconstruction)] {
            if range.low > old.low || range.high < old.high {
                return Err(ModelError::Metadata(format!(
                    "the λ range {} to {} does not hold the {branch}'s range, {} to {}",
                    range.low, range.high, old.low, old.high
                )));
            }
            let quotient = |a: f32, b: f32| (f64::from(a) / f64::from(b)) as f32;
            scale(&mut weights, &format!("{branch}.lambda.fc1.weight"), quotient(old.high, range.high))?;
            scale(&mut weights, &format!("{branch}.lambda.fc2.weight"), quotient(range.low, old.low))?;
        }
        self.child(lambda, weights)
    }
}

fn scale(weights: &mut Weights, name: &str, factor: f32) -> Result<(), ModelError> {
    let mut tensor = weights.remove(name).ok_or_else(|| ModelError::Missing(name.to_owned()))?;
    tensor.data.iter_mut().for_each(|value| *value *= factor);
    weights.insert(name.to_owned(), tensor);
    Ok(())
}

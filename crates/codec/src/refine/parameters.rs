//! The weights of a model as floats, by name.

use heirloom_kernels::product::Precision;

use super::layers::{Dense, Up};
use crate::model::{ModelError, Weights};

/// Weights of learning, of which layers are made.
pub(super) struct Parameters {
    pub weights: Weights,
    /// Precision of the layers' products.
    pub precision: Precision,
}

impl Parameters {
    pub fn vector(&self, name: &str) -> Result<&[f32], ModelError> {
        let tensor = self.weights.get(name).ok_or_else(|| ModelError::Missing(name.to_owned()))?;
        Ok(&tensor.data)
    }

    /// Weight and bias of a layer.
    pub fn layer(&self, name: &str) -> Result<[&[f32]; 2], ModelError> {
        Ok([self.vector(&format!("{name}.weight"))?, self.vector(&format!("{name}.bias"))?])
    }

    pub fn dense(&self, name: &str, segments: &[usize]) -> Result<Dense, ModelError> {
        let [weight, bias] = self.layer(name)?;
        Ok(Dense::new(weight, bias, segments, self.precision))
    }

    pub fn up(&self, name: &str, ratio: usize) -> Result<Up, ModelError> {
        let [weight, bias] = self.layer(name)?;
        Ok(Up::new(weight, bias, ratio, self.precision))
    }
}

//! Flat values as tensors by name, and back.

use heirloom_codec::model::{Tensor, Weights};

use crate::{
    error::{Result, TrainError},
    model::parameters::Layout,
};

/// Flat values as the weights of a model file.
#[must_use]
pub fn weights(layout: &Layout, values: &[f32]) -> Weights {
    let mut out = Weights::default();
    for entry in layout.entries() {
        let data = values[entry.offset..entry.offset + entry.len].to_vec();
        out.insert(entry.name.clone(), Tensor { shape: entry.shape.clone(), data });
    }
    out
}

/// Weights as flat values.
///
/// # Errors
/// A tensor that is missing or has another shape.
pub fn values(layout: &Layout, weights: &Weights) -> Result<Vec<f32>> {
    let mut out = vec![0f32; layout.len()];
    for entry in layout.entries() {
        let tensor =
            weights.get(&entry.name).ok_or_else(|| TrainError::Parameter(format!("{} is missing", entry.name)))?;
        if tensor.shape != entry.shape || tensor.data.len() != entry.len {
            return Err(TrainError::Parameter(format!(
                "{} has shape {:?}; the network needs {:?}",
                entry.name, tensor.shape, entry.shape
            )));
        }
        out[entry.offset..entry.offset + entry.len].copy_from_slice(&tensor.data);
    }
    Ok(out)
}

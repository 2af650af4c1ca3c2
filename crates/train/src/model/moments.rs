//! Second moments of what the products of a network see: what their rounding is fitted to.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use burn::tensor::Tensor;

use crate::error::{Result, TrainError};

/// Sums of xᵢxⱼ over the inputs x of each product, by the index of its matrix.
#[derive(Debug, Default)]
pub struct Moments {
    sums: Mutex<BTreeMap<usize, Seen>>,
}

/// What a product has seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Sums of xᵢxⱼ, `[In, In]`.
    pub sums: Vec<f64>,
    /// Number of inputs x.
    count: usize,
    /// Whether a tensor could not be read.
    failed: bool,
}

impl Seen {
    /// The root mean square of the inputs' `rows` values.
    #[must_use]
    pub fn root_mean_square(&self, rows: usize) -> f32 {
        let diagonal: f64 = self.sums.iter().step_by(rows + 1).sum();
        (diagonal / (rows * self.count).max(1) as f64).sqrt() as f32
    }
}

impl Moments {
    /// Adds the inputs of a product, `[…, In]`.
    pub(super) fn add(&self, matrix: usize, inputs: &Tensor<4>) {
        let [b, h, w, c] = inputs.dims();
        let rows = inputs.clone().reshape([b * h * w, c]);
        let product = rows.clone().transpose().matmul(rows).into_data();
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = sums.entry(matrix).or_default();
        seen.count += b * h * w;
        match product.as_slice::<f32>() {
            Ok(values) => {
                seen.sums.resize(values.len(), 0.0);
                seen.sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(*value));
            }
            Err(_) => seen.failed = true,
        }
    }

    /// What a product has seen; none if it has seen nothing, as those have that act on
    /// single channels or on λ.
    ///
    /// # Errors
    /// A tensor that could not be read back.
    pub(super) fn take(&self, matrix: usize) -> Result<Option<Seen>> {
        let seen = self.sums.lock().unwrap_or_else(PoisonError::into_inner).remove(&matrix);
        match seen {
            Some(Seen { failed: true, .. }) => Err(TrainError::Device("cannot read a tensor back".into())),
            seen => Ok(seen),
        }
    }
}

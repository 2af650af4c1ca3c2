//! All parameters in one flat buffer, and the leaf tensors made from it.
//!
//! Optimiser, averages and checkpoints work on flat `f32` buffers of one [`Layout`]. The graph sees
//! one leaf tensor per parameter ([`Weights`]), which is made anew in each step.

use std::collections::HashMap;

use burn::tensor::{Device, Gradients, Tensor, TensorData};
use heirloom_codec::model::Spec;
use rayon::prelude::*;

use super::moments::{Moments, Seen};
use crate::{
    error::{Result, TrainError},
    ops::{Passes, Precision},
};

/// A parameter with two dimensions.
#[derive(Clone, Copy, Debug)]
pub struct MatrixId(usize);

/// A parameter with one dimension.
#[derive(Clone, Copy, Debug)]
pub struct VectorId(usize);

/// Name, shape and place in the flat buffer of a parameter.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    /// One or two sizes; matrices are `[in, out]`, row-major.
    pub shape: Vec<usize>,
    pub offset: usize,
    pub len: usize,
    /// Index among the matrices or among the vectors.
    slot: usize,
}

/// Places of all parameters of a network in the flat buffer.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
    /// Number of vectors and of matrices.
    slots: [usize; 2],
    len: usize,
}

impl Layout {
    /// Layout of `spec`, in the order of [`Spec::parameters`].
    pub fn new(spec: &Spec) -> Self {
        let mut layout = Self::default();
        for (name, shape) in spec.parameters() {
            layout.add(name, shape);
        }
        layout
    }

    /// Adds a matrix `[rows, columns]` after all others.
    pub fn add_matrix(&mut self, name: String, rows: usize, columns: usize) -> MatrixId {
        MatrixId(self.add(name, vec![rows, columns]))
    }

    /// Adds a vector after all others.
    pub fn add_vector(&mut self, name: String, len: usize) -> VectorId {
        VectorId(self.add(name, vec![len]))
    }

    fn add(&mut self, name: String, shape: Vec<usize>) -> usize {
        let len = shape.iter().product();
        let slots = &mut self.slots[usize::from(shape.len() == 2)];
        let slot = *slots;
        *slots += 1;
        self.by_name.insert(name.clone(), self.entries.len());
        self.entries.push(Entry { name, shape, offset: self.len, len, slot });
        self.len += len;
        slot
    }

    /// All parameters in the order of the buffer.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Number of weights.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no weight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Finds the matrix called `name`.
    ///
    /// # Errors
    /// No such matrix.
    pub fn matrix(&self, name: &str) -> Result<MatrixId> {
        self.find(name, 2).map(MatrixId)
    }

    /// Finds the vector called `name`.
    ///
    /// # Errors
    /// No such vector.
    pub fn vector(&self, name: &str) -> Result<VectorId> {
        self.find(name, 1).map(VectorId)
    }

    /// Finds the parameter called `name`.
    ///
    /// # Errors
    /// No such parameter.
    pub fn entry(&self, name: &str) -> Result<&Entry> {
        let index = self
            .by_name
            .get(name)
            .ok_or_else(|| TrainError::Parameter(format!("the network has no parameter {name}")))?;
        Ok(&self.entries[*index])
    }

    fn find(&self, name: &str, rank: usize) -> Result<usize> {
        let entry = self.entry(name)?;
        if entry.shape.len() != rank {
            return Err(TrainError::Parameter(format!("{name} has {} dimensions, not {rank}", entry.shape.len())));
        }
        Ok(entry.slot)
    }
}

/// One leaf tensor per parameter, and the precision of their products.
pub struct Weights {
    matrices: Vec<Tensor<2>>,
    vectors: Vec<Tensor<1>>,
    precision: Precision,
    /// Where the inputs of products are recorded, if they are.
    moments: Option<Moments>,
}

impl Weights {
    /// Makes leaf tensors on `device` of the values of the flat buffer. On a device with automatic
    /// differentiation, those whose name `trainable` accepts collect gradients.
    pub fn new(layout: &Layout, values: &[f32], device: &Device, trainable: impl Fn(&str) -> bool) -> Self {
        let tracked = device.is_autodiff();
        let (mut matrices, mut vectors) = (Vec::new(), Vec::new());
        let copies: Vec<Vec<f32>> =
            layout.entries().par_iter().map(|e| values[e.offset..e.offset + e.len].to_vec()).collect();
        for (entry, values) in layout.entries().iter().zip(copies) {
            let data = TensorData::new(values, entry.shape.clone());
            let require = tracked && trainable(&entry.name);
            if entry.shape.len() == 2 {
                matrices.push(Tensor::<2>::from_data(data, device).set_require_grad(require));
            } else {
                vectors.push(Tensor::<1>::from_data(data, device).set_require_grad(require));
            }
        }
        Self { matrices, vectors, precision: Precision::Single, moments: None }
    }

    /// Sets the precision of the products between feature maps.
    #[must_use]
    pub fn in_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Records the second moments of the inputs of products from now on, which takes time.
    #[must_use]
    pub fn with_moments(self) -> Self {
        Self { moments: Some(Moments::default()), ..self }
    }

    /// Whether [`Self::with_moments`] was called.
    pub(super) fn has_moments(&self) -> bool {
        self.moments.is_some()
    }

    /// Records inputs `[B, H, W, In]` of the product with the matrix `id`, where that is asked for.
    pub(super) fn see(&self, id: MatrixId, inputs: impl FnOnce() -> Tensor<4>) {
        if let Some(moments) = &self.moments {
            moments.add(id.0, &inputs());
        }
    }

    /// What was recorded of the inputs of a product, if anything was; it is forgotten.
    ///
    /// # Errors
    /// A tensor that could not be read back.
    pub fn take_moments(&self, id: MatrixId) -> Result<Option<Seen>> {
        self.moments.as_ref().map_or(Ok(None), |moments| moments.take(id.0))
    }

    /// Precision of the products between feature maps.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Precision of a layer between feature maps.
    pub fn between_features(&self) -> Passes {
        Passes { forward: self.precision, backward: self.precision }
    }

    /// Precision of a layer that outputs latents, their priors or pixels: these are in single
    /// precision.
    pub fn to_values(&self) -> Passes {
        Passes { forward: Precision::Single, backward: self.precision }
    }

    /// Tensor of a matrix.
    pub fn matrix(&self, id: MatrixId) -> Tensor<2> {
        self.matrices[id.0].clone()
    }

    /// Tensor of a vector.
    pub fn vector(&self, id: VectorId) -> Tensor<1> {
        self.vectors[id.0].clone()
    }

    /// Writes the gradients into `out` in the order of the layout, zeros for parameters without
    /// one.
    ///
    /// # Errors
    /// A gradient that cannot be read back, or has the wrong size.
    pub fn gradients(&self, layout: &Layout, gradients: &mut Gradients, out: &mut [f32]) -> Result<()> {
        let mut rest = out;
        let mut parts = Vec::with_capacity(layout.entries().len());
        for entry in layout.entries() {
            let data = if entry.shape.len() == 2 {
                self.matrices[entry.slot].grad_remove(gradients).map(Tensor::into_data)
            } else {
                self.vectors[entry.slot].grad_remove(gradients).map(Tensor::into_data)
            };
            let (part, after) = std::mem::take(&mut rest).split_at_mut(entry.len);
            rest = after;
            parts.push((entry, data, part));
        }
        parts.into_par_iter().try_for_each(|(entry, data, part)| {
            let Some(data) = data else {
                part.fill(0.0);
                return Ok(());
            };
            let values =
                data.as_slice::<f32>().map_err(|e| TrainError::Device(format!("gradient of {}: {e:?}", entry.name)))?;
            if values.len() != part.len() {
                let (got, expected) = (values.len(), part.len());
                let message = format!("gradient of {} has {got} values, not {expected}", entry.name);
                return Err(TrainError::Parameter(message));
            }
            part.copy_from_slice(values);
            Ok(())
        })
    }
}

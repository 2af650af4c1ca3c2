//! Gradients of the block, and the sums over pixels that they are made of.

use rayon::prelude::*;

use super::extents::Weights;
use crate::training::sums;

/// Gradients of the block's inputs.
#[derive(Clone, Debug)]
pub struct Gradients {
    /// `[batch, height, width, C]`
    pub x: Vec<f32>,
    /// `[batch, 2C]`
    pub modulation: Vec<f32>,
    /// `None` if the weights do not learn.
    pub weights: Option<WeightGradients>,
}

/// Gradients of the block's own tensors.
#[derive(Clone, Debug)]
pub struct WeightGradients {
    /// `[k·k, C]`
    pub depthwise_weight: Vec<f32>,
    /// `[C]`
    pub depthwise_bias: Vec<f32>,
    /// `[C, 2C]`
    pub expand_weight: Vec<f32>,
    /// `[2C]`
    pub expand_bias: Vec<f32>,
    /// `[2C, C]`
    pub project_weight: Vec<f32>,
    /// `[C]`
    pub project_bias: Vec<f32>,
    /// `[C]`
    pub layer_scale: Vec<f32>,
}

/// Sums over the pixels of one task.
pub struct Sums {
    /// `[batch, 2C]`
    pub modulation: Vec<f32>,
    pub weights: Option<WeightSums>,
}

/// Sums that the gradients of the weights are made of.
pub struct WeightSums {
    /// GELU output × output gradient, `[2C, C]`: the projection's gradient but for the layer scale.
    pub project: Vec<f32>,
    /// Output gradient, `[C]`.
    pub output: Vec<f32>,
    /// `[C, 2C]`
    pub expand: Vec<f32>,
    /// `[2C]`
    pub expand_bias: Vec<f32>,
    /// `[C]`
    pub depthwise_bias: Vec<f32>,
}

impl WeightSums {
    /// Undoes the folding of the layer scale into the projection.
    pub fn into_gradients(self, w: Weights, depthwise_weight: Vec<f32>, c: usize) -> WeightGradients {
        let mut layer_scale: Vec<f32> = w.project_bias.iter().zip(&self.output).map(|(b, s)| b * s).collect();
        let mut project_weight = self.project;
        for (weights, gradients) in w.project_weight.chunks_exact(c).zip(project_weight.chunks_exact_mut(c)) {
            for i in 0..c {
                layer_scale[i] += weights[i] * gradients[i];
                gradients[i] *= w.layer_scale[i];
            }
        }
        WeightGradients {
            depthwise_weight,
            depthwise_bias: self.depthwise_bias,
            expand_weight: self.expand,
            expand_bias: self.expand_bias,
            project_weight,
            project_bias: self.output.iter().zip(w.layer_scale).map(|(s, g)| s * g).collect(),
            layer_scale,
        }
    }
}

impl Sums {
    /// Sums of no pixels.
    pub fn zeros(c: usize, batch: usize, learn: bool) -> Sums {
        let weights = learn.then(|| WeightSums {
            project: vec![0.0; 2 * c * c],
            output: vec![0.0; c],
            expand: vec![0.0; 2 * c * c],
            expand_bias: vec![0.0; 2 * c],
            depthwise_bias: vec![0.0; c],
        });
        Sums { modulation: vec![0.0; batch * 2 * c], weights }
    }

    /// Adds the tasks' sums in their order.
    pub fn total(sums: Vec<Sums>) -> Sums {
        let mut sums = sums.into_iter();
        let mut total = sums.next().unwrap_or_else(|| Sums::zeros(0, 0, false));
        for next in sums {
            add(&next.modulation, &mut total.modulation);
            if let (Some(to), Some(from)) = (&mut total.weights, next.weights) {
                add(&from.project, &mut to.project);
                add(&from.output, &mut to.output);
                add(&from.expand, &mut to.expand);
                add(&from.expand_bias, &mut to.expand_bias);
                add(&from.depthwise_bias, &mut to.depthwise_bias);
            }
        }
        total
    }
}

/// `to += from`, in parallel.
pub fn add(from: &[f32], to: &mut [f32]) {
    to.par_chunks_mut(1 << 14).zip(from.par_chunks(1 << 14)).for_each(|(to, from)| sums::add(from, to));
}

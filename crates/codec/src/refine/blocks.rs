//! ConvNeXt blocks, forward and backward.

use heirloom_kernels::Map;
use heirloom_kernels::product::Precision;
use heirloom_kernels::training::block::{self, Saved, Shape};

use super::parameters::Parameters;
use crate::model::ModelError;

/// Consecutive blocks of a stage at one λ.
#[derive(Debug)]
pub(super) struct Blocks(Vec<Block>);

#[derive(Debug)]
struct Block {
    precision: Precision,
    kernel: usize,
    depthwise: [Vec<f32>; 2],
    expand: [Vec<f32>; 2],
    project: [Vec<f32>; 2],
    scale: Vec<f32>,
    /// Shift and scale of the normalised pixels.
    modulation: Vec<f32>,
}

/// What the backward pass needs of a forward pass: the input of each block, and what it saved.
pub(super) type BlocksTape = Vec<(Vec<f32>, Saved)>;

impl Blocks {
    /// The blocks `{name}0`, `{name}1`, … with kernels of side `kernel`, under the activated
    /// embedding of λ.
    pub fn new(w: &Parameters, name: &str, count: usize, kernel: usize, embedding: &[f32]) -> Result<Self, ModelError> {
        let block = |number: usize| {
            let name = format!("{name}{number}");
            let layer = |part: &str| w.layer(&format!("{name}.{part}")).map(|pair| pair.map(<[f32]>::to_vec));
            let [weight, bias] = w.layer(&format!("{name}.modulation"))?;
            let mut modulation = bias.to_vec();
            for (row, value) in weight.chunks_exact(bias.len()).zip(embedding) {
                modulation.iter_mut().zip(row).for_each(|(sum, weight)| *sum += weight * value);
            }
            Ok(Block {
                precision: w.precision,
                kernel,
                depthwise: layer("depthwise")?,
                expand: layer("expand")?,
                project: layer("project")?,
                scale: w.vector(&format!("{name}.layer_scale"))?.to_vec(),
                modulation,
            })
        };
        (0..count).map(block).collect::<Result<_, _>>().map(Self)
    }

    /// Applies the blocks in place.
    pub fn forward(&self, map: &mut Map) -> BlocksTape {
        let apply = |block: &Block| {
            let (out, saved) = block::forward(block.shape(map), block.weights(), &map.data, &block.modulation);
            (std::mem::replace(&mut map.data, out), saved)
        };
        self.0.iter().map(apply).collect()
    }

    /// Turns the gradient by the output into that by the input.
    pub fn backward(&self, tape: BlocksTape, gradient: &mut Map) {
        for (block, (x, saved)) in self.0.iter().zip(tape).rev() {
            let shape = block.shape(gradient);
            let gradients =
                block::backward(shape, block.weights(), &x, &block.modulation, &saved, &gradient.data, false);
            gradient.data = gradients.x;
        }
    }
}

impl Block {
    fn shape(&self, map: &Map) -> Shape {
        let Map { height, width, channels, .. } = *map;
        Shape { batch: 1, height, width, channels, kernel: self.kernel, precision: self.precision }
    }

    fn weights(&self) -> block::Weights<'_> {
        let [[depthwise_weight, depthwise_bias], [expand_weight, expand_bias], [project_weight, project_bias]] =
            [&self.depthwise, &self.expand, &self.project];
        block::Weights {
            depthwise_weight,
            depthwise_bias,
            expand_weight,
            expand_bias,
            project_weight,
            project_bias,
            layer_scale: &self.scale,
        }
    }
}

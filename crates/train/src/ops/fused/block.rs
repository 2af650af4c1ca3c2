//! The ConvNeXt block.

use std::sync::Arc;

use burn::tensor::Tensor;
use burn_autodiff::{
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn_flex::{Flex, FlexTensor};
use heirloom_kernels::training::block::{self, Saved, Shape, Weights};

use super::super::{BlockParams, Precision};
use super::{Differentiable, custom, dims, operation, primitive, tensor, values};

/// See [`super::super::block`].
pub fn block(x: Tensor<4>, modulation: Tensor<2>, p: BlockParams, kernel: usize) -> Tensor<4> {
    let precision = p.precision;
    let forward = |primitives: &[FlexTensor; 9]| block_forward(primitives, kernel, precision);
    let state = |inputs, saved| BlockState { inputs, saved: Arc::new(saved), kernel, precision };
    custom!(
        [
            x,
            modulation,
            p.depthwise_weight,
            p.depthwise_bias,
            p.expand_weight,
            p.expand_bias,
            p.project_weight,
            p.project_bias,
            p.layer_scale
        ],
        BlockBackward,
        forward,
        state
    )
}

fn block_shape(x: &FlexTensor, kernel: usize, precision: Precision) -> Shape {
    let d = dims(x);
    Shape { batch: d[0], height: d[1], width: d[2], channels: d[3], kernel, precision }
}

fn block_weights(inputs: &[FlexTensor; 9]) -> Weights<'_> {
    Weights {
        depthwise_weight: values(&inputs[2]),
        depthwise_bias: values(&inputs[3]),
        expand_weight: values(&inputs[4]),
        expand_bias: values(&inputs[5]),
        project_weight: values(&inputs[6]),
        project_bias: values(&inputs[7]),
        layer_scale: values(&inputs[8]),
    }
}

fn block_forward(inputs: &[FlexTensor; 9], kernel: usize, precision: Precision) -> (FlexTensor, Saved) {
    let shape = block_shape(&inputs[0], kernel, precision);
    let (out, saved) = block::forward(shape, block_weights(inputs), values(&inputs[0]), values(&inputs[1]));
    (tensor(out, &dims(&inputs[0])), saved)
}

#[derive(Clone)]
struct BlockState {
    inputs: [FlexTensor; 9],
    saved: Arc<Saved>,
    kernel: usize,
    precision: Precision,
}

impl std::fmt::Debug for BlockState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BlockState {{ kernel: {} }}", self.kernel)
    }
}

#[derive(Debug)]
struct BlockBackward;

impl Backward<Flex, 9> for BlockBackward {
    type State = BlockState;

    fn backward(self, ops: Ops<BlockState, 9>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let BlockState { inputs, saved, kernel, precision } = ops.state;
        let shape = block_shape(&inputs[0], kernel, precision);
        let (x, modulation) = (values(&inputs[0]), values(&inputs[1]));
        let learn = ops.parents[2..].iter().any(Option::is_some);
        let g = block::backward(shape, block_weights(&inputs), x, modulation, &saved, values(&gradient), learn);
        let mut all = vec![g.x, g.modulation];
        all.extend(g.weights.into_iter().flat_map(|w| {
            [
                w.depthwise_weight,
                w.depthwise_bias,
                w.expand_weight,
                w.expand_bias,
                w.project_weight,
                w.project_bias,
                w.layer_scale,
            ]
        }));
        for ((node, values), input) in ops.parents.into_iter().zip(all).zip(&inputs) {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, tensor(values, &dims(input)));
            }
        }
    }
}

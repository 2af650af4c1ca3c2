//! Space to depth and back: each is the other's backward pass.

use burn::tensor::Tensor;
use burn_autodiff::{
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn_flex::{Flex, FlexTensor};
use heirloom_kernels::training::shuffle;

use super::{Differentiable, custom, dims, operation, primitive, tensor, values};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    ToDepth,
    ToSpace,
}

/// See [`super::super::space_to_depth`].
pub fn space_to_depth(x: Tensor<4>) -> Tensor<4> {
    run(Direction::ToDepth, x)
}

/// See [`super::super::depth_to_space`].
pub fn depth_to_space(x: Tensor<4>) -> Tensor<4> {
    run(Direction::ToSpace, x)
}

fn run(direction: Direction, x: Tensor<4>) -> Tensor<4> {
    let forward = |inputs: &[FlexTensor; 1]| (shuffled(direction, &inputs[0]), ());
    let state = |_, ()| direction;
    custom!([x], ShuffleBackward, forward, state)
}

fn shuffled(direction: Direction, x: &FlexTensor) -> FlexTensor {
    let shape = dims(x);
    let [b, h, w, c] = [shape[0], shape[1], shape[2], shape[3]];
    match direction {
        Direction::ToDepth => tensor(shuffle::space_to_depth(values(x), w, c), &[b, h / 2, w / 2, 4 * c]),
        Direction::ToSpace => tensor(shuffle::depth_to_space(values(x), 2 * w, c / 4), &[b, 2 * h, 2 * w, c / 4]),
    }
}

#[derive(Debug)]
struct ShuffleBackward;

impl Backward<Flex, 1> for ShuffleBackward {
    type State = Direction;

    fn backward(self, ops: Ops<Direction, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        if let [Some(node)] = &ops.parents {
            let back = if ops.state == Direction::ToDepth { Direction::ToSpace } else { Direction::ToDepth };
            grads.register::<Flex>(node.id, shuffled(back, &gradient));
        }
    }
}

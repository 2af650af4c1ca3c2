//! Channels of a pixel to a 2×2 square of pixels, and back: each the other's backward.

use burn::tensor::Tensor;
use burn_autodiff::{
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn_flex::{Flex, FlexTensor};

use super::super::cpu::shuffle;
use super::{Differentiable, custom, dims, operation, primitive, tensor, values};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Squares,
    Spread,
}

/// See [`super::super::squares`].
pub fn squares(x: Tensor<4>) -> Tensor<4> {
    run(Way::Squares, x)
}

/// See [`super::super::spread`].
pub fn spread(x: Tensor<4>) -> Tensor<4> {
    run(Way::Spread, x)
}

fn run(way: Way, x: Tensor<4>) -> Tensor<4> {
    let forward = |inputs: &[FlexTensor; 1]| (shuffled(way, &inputs[0]), ());
    let state = |_, ()| way;
    custom!([x], ShuffleBackward, forward, state)
}

fn shuffled(way: Way, x: &FlexTensor) -> FlexTensor {
    let shape = dims(x);
    let [b, h, w, c] = [shape[0], shape[1], shape[2], shape[3]];
    match way {
        Way::Squares => tensor(shuffle::squares(values(x), w, c), &[b, h / 2, w / 2, 4 * c]),
        Way::Spread => tensor(shuffle::spread(values(x), 2 * w, c / 4), &[b, 2 * h, 2 * w, c / 4]),
    }
}

#[derive(Debug)]
struct ShuffleBackward;

impl Backward<Flex, 1> for ShuffleBackward {
    type State = Way;

    fn backward(self, ops: Ops<Way, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        if let [Some(node)] = &ops.parents {
            let back = if ops.state == Way::Squares { Way::Spread } else { Way::Squares };
            grads.register::<Flex>(node.id, shuffled(back, &gradient));
        }
    }
}

//! What follows the convolutions of the baselines: leaky ReLU, and a scale and a shift.

use burn::tensor::Tensor;
use burn_autodiff::{
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn_flex::{Flex, FlexTensor};
use heirloom_kernels::training::activation;

use super::{Differentiable, custom, dims, operation, primitive, tensor, values};

/// See [`super::super::leaky`].
pub fn leaky(x: Tensor<4>, slope: f32) -> Tensor<4> {
    let forward =
        |inputs: &[FlexTensor; 1]| (tensor(activation::leaky(values(&inputs[0]), slope), &dims(&inputs[0])), ());
    let state = |[x]: [FlexTensor; 1], ()| LeakyState { x, slope };
    custom!([x], LeakyBackward, forward, state)
}

#[derive(Clone)]
struct LeakyState {
    x: FlexTensor,
    slope: f32,
}

impl std::fmt::Debug for LeakyState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "leaky ReLU of slope {}", self.slope)
    }
}

#[derive(Debug)]
struct LeakyBackward;

impl Backward<Flex, 1> for LeakyBackward {
    type State = LeakyState;

    fn backward(self, ops: Ops<LeakyState, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        if let [Some(node)] = &ops.parents {
            let LeakyState { x, slope } = &ops.state;
            let dx = activation::leaky_backward(values(x), values(&gradient), *slope);
            grads.register::<Flex>(node.id, tensor(dx, &dims(x)));
        }
    }
}

/// See [`super::super::modulate`].
pub fn modulate(x: Tensor<4>, by: Tensor<2>) -> Tensor<4> {
    let state = |inputs, ()| ModulateState { inputs };
    custom!([x, by], ModulateBackward, modulated, state)
}

fn modulated([x, by]: &[FlexTensor; 2]) -> (FlexTensor, ()) {
    let shape = dims(x);
    (tensor(activation::modulate(values(x), values(by), shape[0], shape[3]), &shape), ())
}

#[derive(Clone)]
struct ModulateState {
    inputs: [FlexTensor; 2],
}

impl std::fmt::Debug for ModulateState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("scale and shift per channel")
    }
}

#[derive(Debug)]
struct ModulateBackward;

impl Backward<Flex, 2> for ModulateBackward {
    type State = ModulateState;

    fn backward(self, ops: Ops<ModulateState, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let [x, by] = &ops.state.inputs;
        let shape = dims(x);
        let (dx, dby) = activation::modulate_backward(values(x), values(by), values(&gradient), shape[0], shape[3]);
        for (node, (values, input)) in ops.parents.iter().zip([(dx, x), (dby, by)]) {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, tensor(values, &dims(input)));
            }
        }
    }
}

//! Rate and distortion.

use burn::tensor::Tensor;
use burn_autodiff::{
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn_flex::{Flex, FlexTensor};
use heirloom_kernels::training::objective;

use super::{Differentiable, custom, dims, operation, primitive, tensor, values};

/// See [`super::super::bits`].
pub fn bits(prior: Tensor<4>, latent: Tensor<4>) -> Tensor<1> {
    let state = |_, state| state;
    custom!([prior, latent], BitsBackward, bits_forward, state)
}

#[derive(Clone)]
struct BitsState {
    by_prior: FlexTensor,
    by_latent: FlexTensor,
}

impl std::fmt::Debug for BitsState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("derivatives of the rate")
    }
}

fn bits_forward(inputs: &[FlexTensor; 2]) -> (FlexTensor, BitsState) {
    let [prior, latent] = inputs;
    let d = dims(latent);
    let rate = objective::bits(d[0], d[3], values(prior), values(latent));
    let state = BitsState { by_prior: tensor(rate.by_prior, &dims(prior)), by_latent: tensor(rate.by_latent, &d) };
    (tensor(rate.bits, &[d[0]]), state)
}

#[derive(Debug)]
struct BitsBackward;

impl Backward<Flex, 2> for BitsBackward {
    type State = BitsState;

    fn backward(self, ops: Ops<BitsState, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let derivatives = [&ops.state.by_prior, &ops.state.by_latent];
        for (node, derivative) in ops.parents.iter().zip(derivatives) {
            if let Some(node) = node {
                let scaled = objective::scaled(values(&gradient), values(derivative));
                grads.register::<Flex>(node.id, tensor(scaled, &dims(derivative)));
            }
        }
    }
}

/// See [`super::super::squared_error`].
pub fn squared_error(x: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
    let state = |inputs, ()| ErrorState { inputs };
    custom!([x, target], ErrorBackward, error_forward, state)
}

fn error_forward(inputs: &[FlexTensor; 2]) -> (FlexTensor, ()) {
    let images = dims(&inputs[0])[0];
    (tensor(objective::squared_error(images, values(&inputs[0]), values(&inputs[1])), &[images]), ())
}

#[derive(Clone)]
struct ErrorState {
    inputs: [FlexTensor; 2],
}

impl std::fmt::Debug for ErrorState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("two images")
    }
}

#[derive(Debug)]
struct ErrorBackward;

impl Backward<Flex, 2> for ErrorBackward {
    type State = ErrorState;

    fn backward(self, ops: Ops<ErrorState, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let [x, target] = &ops.state.inputs;
        for (node, sign) in ops.parents.iter().zip([2.0, -2.0]) {
            if let Some(node) = node {
                let factors: Vec<f32> = values(&gradient).iter().map(|g| sign * g).collect();
                let dx = objective::scaled_difference(&factors, values(x), values(target));
                grads.register::<Flex>(node.id, tensor(dx, &dims(x)));
            }
        }
    }
}

//! 1×1 layers of one or more inputs.

use burn::tensor::Tensor;
use burn_autodiff::{
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn_flex::{Flex, FlexTensor};
use heirloom_codec::kernels::gemm::Packed;

use super::super::cpu::dense::{self, Rows};
use super::super::cpu::linear::sum_rows;
use super::{Differentiable, dims, operation, primitive, tensor, values};

/// `[inputs side by side] · weight + bias` over the last dimension: see [`super::super::dense`].
pub fn dense<const D: usize>(inputs: Vec<Tensor<D>>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<D> {
    // As many parents as inputs, and two.
    match inputs.len() {
        1 => with_parents::<D, 3>(inputs, weight, bias),
        2 => with_parents::<D, 4>(inputs, weight, bias),
        3 => with_parents::<D, 5>(inputs, weight, bias),
        _ => with_parents::<D, 3>(vec![Tensor::cat(inputs, D - 1)], weight, bias),
    }
}

fn with_parents<const D: usize, const P: usize>(
    inputs: Vec<Tensor<D>>,
    weight: Tensor<2>,
    bias: Tensor<1>,
) -> Tensor<D> {
    let differentiate = bias.device().is_autodiff();
    macro_rules! primitives {
        ($backend:ty) => {{
            let mut all: Vec<_> = inputs.into_iter().map(|x| primitive!($backend, x)).collect();
            all.push(primitive!($backend, weight));
            all.push(primitive!($backend, bias));
            match <[_; P]>::try_from(all) {
                Ok(all) => all,
                Err(_) => unreachable!("the caller chose P by the number of inputs"),
            }
        }};
    }
    if !differentiate {
        let inputs = primitives!(Flex).map(|t| t.to_contiguous());
        return Tensor::from_primitive::<Flex>(forward::<P>(&inputs).0);
    }
    let state = |inputs: [FlexTensor; P], ()| State { inputs };
    Tensor::from_primitive::<Differentiable>(operation!(
        DenseBackward,
        primitives!(Differentiable),
        forward::<P>,
        state
    ))
}

fn rows(x: &FlexTensor) -> Rows<'_> {
    Rows { values: values(x), channels: dims(x).last().copied().unwrap_or(1) }
}

fn forward<const P: usize>(inputs: &[FlexTensor; P]) -> (FlexTensor, ()) {
    let (maps, parameters) = inputs.split_at(P - 2);
    let (weight, bias) = (values(&parameters[0]), values(&parameters[1]));
    let maps_rows: Vec<Rows> = maps.iter().map(rows).collect();
    let packed = Packed::new(weight, weight.len() / bias.len(), bias.len());
    let mut shape = dims(&maps[0]);
    if let Some(last) = shape.last_mut() {
        *last = bias.len();
    }
    (tensor(dense::forward(&maps_rows, &packed, bias), &shape), ())
}

#[derive(Clone)]
struct State<const P: usize> {
    inputs: [FlexTensor; P],
}

impl<const P: usize> std::fmt::Debug for State<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "dense layer of {} inputs", P - 2)
    }
}

#[derive(Debug)]
struct DenseBackward;

impl<const P: usize> Backward<Flex, P> for DenseBackward {
    type State = State<P>;

    fn backward(self, ops: Ops<State<P>, P>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let g = values(&gradient);
        let (maps, parameters) = ops.state.inputs.split_at(P - 2);
        let (weight, n) = (values(&parameters[0]), dims(&parameters[1])[0]);
        let mut first = 0;
        for (map, node) in maps.iter().zip(&ops.parents) {
            let c = rows(map).channels;
            if let Some(node) = node {
                let transposed = Packed::transposed(&weight[first * n..], n, n, c);
                let dx = dense::forward(&[Rows { values: g, channels: n }], &transposed, &[]);
                grads.register::<Flex>(node.id, tensor(dx, &dims(map)));
            }
            first += c;
        }
        if let Some(node) = &ops.parents[P - 2] {
            let parts: Vec<Vec<f32>> = maps.iter().map(|map| dense::weight_gradient(rows(map), g, n)).collect();
            let dw = match <[Vec<f32>; 1]>::try_from(parts) {
                Ok([dw]) => dw,
                Err(parts) => parts.concat(),
            };
            grads.register::<Flex>(node.id, tensor(dw, &dims(&parameters[0])));
        }
        if let Some(node) = &ops.parents[P - 1] {
            grads.register::<Flex>(node.id, tensor(sum_rows(g, n), &[n]));
        }
    }
}

//! 1×1 layers of one or more inputs.

use burn::tensor::Tensor;
use burn_autodiff::{
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn_flex::{Flex, FlexTensor};
use heirloom_kernels::product::{Operand, Packed};
use heirloom_kernels::training::dense::{self, Rows};
use heirloom_kernels::training::sums::sum_rows;

use super::super::{Passes, Precision};
use super::{Differentiable, dims, operation, primitive, tensor, values};

/// `[inputs side by side] · weight + bias` over the last dimension: see [`super::super::dense`].
pub fn dense<const D: usize>(inputs: Vec<Tensor<D>>, weight: Tensor<2>, bias: Tensor<1>, passes: Passes) -> Tensor<D> {
    // The inputs, the weight and the bias are its parents.
    match inputs.len() {
        1 => with_parents::<D, 3>(inputs, weight, bias, passes),
        2 => with_parents::<D, 4>(inputs, weight, bias, passes),
        3 => with_parents::<D, 5>(inputs, weight, bias, passes),
        _ => with_parents::<D, 3>(vec![Tensor::cat(inputs, D - 1)], weight, bias, passes),
    }
}

fn with_parents<const D: usize, const P: usize>(
    inputs: Vec<Tensor<D>>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    passes: Passes,
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
        return Tensor::from_primitive::<Flex>(forward::<P>(&inputs, passes.forward).0);
    }
    let forward = |inputs: &[FlexTensor; P]| forward::<P>(inputs, passes.forward);
    let state = |inputs: [FlexTensor; P], ()| State { inputs, precision: passes.backward };
    Tensor::from_primitive::<Differentiable>(operation!(DenseBackward, primitives!(Differentiable), forward, state))
}

fn rows(x: &FlexTensor) -> Rows<'_> {
    Rows { values: values(x), channels: dims(x).last().copied().unwrap_or(1) }
}

/// 2 if the channels of all maps are even, else 1: a divisor of the rows that each map multiplies.
fn common_part(maps: &[Rows]) -> usize {
    if maps.iter().all(|map| map.channels.is_multiple_of(2)) { 2 } else { 1 }
}

fn forward<const P: usize>(inputs: &[FlexTensor; P], precision: Precision) -> (FlexTensor, ()) {
    let (maps, parameters) = inputs.split_at(P - 2);
    let (weight, bias) = (values(&parameters[0]), values(&parameters[1]));
    let maps_rows: Vec<Rows> = maps.iter().map(rows).collect();
    let packed = Packed::new(weight, weight.len() / bias.len(), bias.len());
    let packed = Operand::new(packed, common_part(&maps_rows), precision);
    let mut shape = dims(&maps[0]);
    if let Some(last) = shape.last_mut() {
        *last = bias.len();
    }
    (tensor(dense::forward(&maps_rows, &packed, bias), &shape), ())
}

#[derive(Clone)]
struct State<const P: usize> {
    inputs: [FlexTensor; P],
    /// Precision of the gradients.
    precision: Precision,
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
        let precision = ops.state.precision;
        let (maps, parameters) = ops.state.inputs.split_at(P - 2);
        let (weight, n) = (values(&parameters[0]), dims(&parameters[1])[0]);
        let learns = ops.parents.each_ref().map(Option::is_some);
        let of_maps = || {
            let mut first = 0;
            let of_map = |(map, learns): (Rows, bool)| {
                let part = &weight[first * n..];
                first += map.channels;
                learns.then(|| {
                    let transposed = Packed::transposed(part, n, n, map.channels);
                    dense::forward(&[Rows { values: g, channels: n }], &Operand::new(transposed, n, precision), &[])
                })
            };
            maps.iter().map(rows).zip(learns).map(of_map).collect::<Vec<_>>()
        };
        let of_weight = || {
            let parts: Vec<Vec<f32>> =
                maps.iter().map(|map| dense::weight_gradient(rows(map), g, n, precision)).collect();
            match <[Vec<f32>; 1]>::try_from(parts) {
                Ok([dw]) => dw,
                Err(parts) => parts.concat(),
            }
        };
        // Together, so that no thread waits for the last task of one before the next begins.
        let (of_maps, (dw, db)) = rayon::join(of_maps, || {
            rayon::join(|| learns[P - 2].then(of_weight), || learns[P - 1].then(|| sum_rows(g, n)))
        });
        let gradients = of_maps.into_iter().chain([dw, db]);
        for ((node, gradient), input) in ops.parents.iter().zip(gradients).zip(&ops.state.inputs) {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                grads.register::<Flex>(node.id, tensor(gradient, &dims(input)));
            }
        }
    }
}

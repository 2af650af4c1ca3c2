//! The layers as custom operations of the CPU backend: our own forward and backward ([`super::cpu`]) inside burn's
//! automatic differentiation. Each equals its namesake in [`super::stock`], several times faster.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn_flex::{Flex, FlexTensor};
use heirloom_codec::kernels::gemm::Packed;

use super::BlockParams;
use super::cpu::block::{self, Saved, Shape, Weights};
use super::cpu::depthwise::Padded;
use super::cpu::linear::{self, Windows};

type Differentiable = Autodiff<Flex, NoCheckpointing>;

fn values(t: &FlexTensor) -> &[f32] {
    t.storage::<f32>()
}

fn dims(t: &FlexTensor) -> Vec<usize> {
    t.layout().shape().iter().copied().collect()
}

fn tensor(values: Vec<f32>, dims: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, dims.to_vec()))
}

/// Runs an operation of `N` tensors: as a node of the graph where the device differentiates, else forward only.
/// Panics if a tensor is not on the CPU backend; [`super`] asks first.
macro_rules! operation {
    ($backward:expr, $inputs:expr, $forward:expr, $state:expr) => {{
        let inputs = $inputs;
        let nodes = std::array::from_fn(|i| inputs[i].node());
        let primitives = std::array::from_fn(|i| inputs[i].primitive().to_contiguous());
        let out = match $backward.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let (out, saved) = $forward(&primitives);
                prepared.finish($state(primitives, saved), out)
            }
            OpsKind::UnTracked(prepared) => prepared.finish($forward(&primitives).0),
        };
        out
    }};
}

macro_rules! primitive {
    ($backend:ty, $tensor:expr) => {
        match $tensor.try_into_primitive::<$backend>() {
            Ok(primitive) => primitive,
            // The callers in `super` route here only tensors that live on this backend.
            Err(error) => panic!("a fused operation got a tensor of another device: {error:?}"),
        }
    };
}

/// See [`super::block`].
pub fn block(x: Tensor<4>, modulation: Tensor<2>, p: BlockParams, kernel: usize) -> Tensor<4> {
    let differentiate = x.device().is_autodiff();
    macro_rules! inputs {
        ($backend:ty) => {
            [
                primitive!($backend, x),
                primitive!($backend, modulation),
                primitive!($backend, p.depthwise_weight),
                primitive!($backend, p.depthwise_bias),
                primitive!($backend, p.expand_weight),
                primitive!($backend, p.expand_bias),
                primitive!($backend, p.project_weight),
                primitive!($backend, p.project_bias),
                primitive!($backend, p.layer_scale),
            ]
        };
    }
    if !differentiate {
        let inputs = inputs!(Flex).map(|t| t.to_contiguous());
        return Tensor::from_primitive::<Flex>(block_forward(&inputs, kernel).0);
    }
    let forward = |primitives: &[FlexTensor; 9]| block_forward(primitives, kernel);
    let state = |inputs, saved| BlockState { inputs, saved: Arc::new(saved), kernel };
    Tensor::from_primitive::<Differentiable>(operation!(BlockBackward, inputs!(Differentiable), forward, state))
}

fn block_shape(x: &FlexTensor, kernel: usize) -> Shape {
    let d = dims(x);
    Shape { batch: d[0], height: d[1], width: d[2], channels: d[3], kernel }
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

fn block_forward(inputs: &[FlexTensor; 9], kernel: usize) -> (FlexTensor, Saved) {
    let shape = block_shape(&inputs[0], kernel);
    let (out, saved) = block::forward(shape, block_weights(inputs), values(&inputs[0]), values(&inputs[1]));
    (tensor(out, &dims(&inputs[0])), saved)
}

#[derive(Clone)]
struct BlockState {
    inputs: [FlexTensor; 9],
    saved: Arc<Saved>,
    kernel: usize,
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
        let BlockState { inputs, saved, kernel } = ops.state;
        let shape = block_shape(&inputs[0], kernel);
        let (x, modulation) = (values(&inputs[0]), values(&inputs[1]));
        let g = block::backward(shape, block_weights(&inputs), x, modulation, &saved, values(&gradient));
        let all = [
            g.x,
            g.modulation,
            g.depthwise_weight,
            g.depthwise_bias,
            g.expand_weight,
            g.expand_bias,
            g.project_weight,
            g.project_bias,
            g.layer_scale,
        ];
        for ((node, values), input) in ops.parents.into_iter().zip(all).zip(&inputs) {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, tensor(values, &dims(input)));
            }
        }
    }
}

/// Which dense layer.
#[derive(Clone, Copy, Debug)]
pub enum Layer {
    Dense,
    Down(usize),
    Up(usize),
    Conv3x3,
}

/// A dense layer: `x [B, H, W, C]`, weight and bias as in [`super::stock`].
pub fn layer(kind: Layer, x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<4> {
    if !x.device().is_autodiff() {
        let inputs = [primitive!(Flex, x), primitive!(Flex, weight), primitive!(Flex, bias)];
        return Tensor::from_primitive::<Flex>(layer_forward(kind, &inputs.map(|t| t.to_contiguous())).0);
    }
    let inputs = [primitive!(Differentiable, x), primitive!(Differentiable, weight), primitive!(Differentiable, bias)];
    let forward = |primitives: &[FlexTensor; 3]| layer_forward(kind, primitives);
    let state = |inputs, ()| LayerState { inputs, kind };
    Tensor::from_primitive::<Differentiable>(operation!(LayerBackward, inputs, forward, state))
}

/// The windows of a layer over its input, or over its output for `Up`, and the shape of the output.
fn layer_windows(kind: Layer, x: &[usize], outputs: usize) -> (Windows, [usize; 4]) {
    let (b, h, w, c) = (x[0], x[1], x[2], x[3]);
    match kind {
        Layer::Dense => (Windows::dense(b * h * w, c), [b, h, w, outputs]),
        Layer::Down(r) => (Windows::shuffle(b, h / r, w / r, r, c), [b, h / r, w / r, outputs]),
        Layer::Up(r) => {
            let fine = outputs / (r * r);
            (Windows::shuffle(b, h, w, r, fine), [b, h * r, w * r, fine])
        }
        Layer::Conv3x3 => (Windows::conv3x3(b, h, w, c), [b, h, w, outputs]),
    }
}

/// Columns `from..from + n` of a row-major matrix with `columns` columns, packed.
fn pack_columns(weight: &[f32], columns: usize, from: usize, n: usize) -> Packed {
    Packed::from_fn(weight.len() / columns, n, |k, j| weight[k * columns + from + j])
}

/// The transpose of rows `from..from + n` of a row-major matrix with `columns` columns.
fn pack_rows_transposed(weight: &[f32], columns: usize, from: usize, n: usize) -> Packed {
    Packed::from_fn(columns, n, |k, j| weight[(from + j) * columns + k])
}

fn layer_forward(kind: Layer, inputs: &[FlexTensor; 3]) -> (FlexTensor, ()) {
    let (x, weight, bias) = (values(&inputs[0]), values(&inputs[1]), values(&inputs[2]));
    let d = dims(&inputs[0]);
    let (windows, shape) = layer_windows(kind, &d, bias.len());
    let out = match kind {
        Layer::Up(r) => {
            let packed: Vec<Packed> =
                (0..r).map(|s| pack_columns(weight, bias.len(), s * windows.length, windows.length)).collect();
            linear::scatter(windows, x, &packed, bias)
        }
        Layer::Conv3x3 => {
            let padded = Padded::new(x, d[1], d[2], d[3], 1);
            linear::gather(windows, &padded.data, &Packed::new(weight, 9 * d[3], bias.len()), bias)
        }
        Layer::Dense | Layer::Down(_) => {
            let packed = Packed::new(weight, windows.segments * windows.length, bias.len());
            linear::gather(windows, x, &packed, bias)
        }
    };
    (tensor(out, &shape), ())
}

#[derive(Clone)]
struct LayerState {
    inputs: [FlexTensor; 3],
    kind: Layer,
}

impl std::fmt::Debug for LayerState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LayerState {{ kind: {:?} }}", self.kind)
    }
}

#[derive(Debug)]
struct LayerBackward;

impl Backward<Flex, 3> for LayerBackward {
    type State = LayerState;

    fn backward(self, ops: Ops<LayerState, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let LayerState { inputs, kind } = ops.state;
        let (x, weight) = (values(&inputs[0]), values(&inputs[1]));
        let d = dims(&inputs[0]);
        let n = dims(&inputs[2])[0];
        let g = values(&gradient);
        let (windows, _) = layer_windows(kind, &d, n);
        let [x_node, weight_node, bias_node] = ops.parents;
        if let Some(node) = x_node {
            let dx = match kind {
                Layer::Up(_) => {
                    let packed = pack_rows_transposed(weight, n, 0, d[3]);
                    linear::gather(windows, g, &packed, &vec![0.0; d[3]])
                }
                Layer::Conv3x3 => {
                    let padded = Padded::new(g, d[1], d[2], n, 1);
                    // The taps in reverse, each transposed.
                    let flipped = Packed::from_fn(9 * n, d[3], |k, j| {
                        let (tap, output) = (8 - k / n, k % n);
                        weight[(tap * d[3] + j) * n + output]
                    });
                    let windows = Windows::conv3x3(d[0], d[1], d[2], n);
                    linear::gather(windows, &padded.data, &flipped, &vec![0.0; d[3]])
                }
                Layer::Dense | Layer::Down(_) => {
                    let rows = windows.length;
                    let packed: Vec<Packed> =
                        (0..windows.segments).map(|s| pack_rows_transposed(weight, n, s * rows, rows)).collect();
                    linear::scatter(windows, g, &packed, &[])
                }
            };
            grads.register::<Flex>(node.id, tensor(dx, &d));
        }
        if let Some(node) = weight_node {
            let dw = match kind {
                Layer::Up(_) => linear::scatter_weight_gradient(windows, x, g, d[3]),
                Layer::Conv3x3 => {
                    let padded = Padded::new(x, d[1], d[2], d[3], 1);
                    linear::gather_weight_gradient(windows, &padded.data, g, n)
                }
                Layer::Dense | Layer::Down(_) => linear::gather_weight_gradient(windows, x, g, n),
            };
            grads.register::<Flex>(node.id, tensor(dw, &dims(&inputs[1])));
        }
        if let Some(node) = bias_node {
            let db = match kind {
                Layer::Up(r) => {
                    // A bias per column (ry, rx, c): sum each of the r fine rows of every coarse row on its own.
                    let mut sums = vec![0.0; n];
                    for (row, fine) in g.chunks_exact(windows.pitch).enumerate() {
                        let part = row % r * windows.length;
                        for (sum, x) in
                            sums[part..part + windows.length].iter_mut().zip(linear::sum_rows(fine, windows.length))
                        {
                            *sum += x;
                        }
                    }
                    sums
                }
                _ => linear::sum_rows(g, n),
            };
            grads.register::<Flex>(node.id, tensor(db, &[n]));
        }
    }
}

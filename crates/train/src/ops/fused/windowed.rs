//! The convolutions that change the resolution, and 3×3.

use burn::tensor::Tensor;
use burn_autodiff::{
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn_flex::{Flex, FlexTensor};
use heirloom_kernels::gemm::Packed;

use super::super::Precision;
use super::super::cpu::depthwise::Padded;
use super::super::cpu::linear::{self, Windows};
use super::super::cpu::product::Right;
use super::{Differentiable, custom, dims, operation, primitive, tensor, values};

/// Which layer.
#[derive(Clone, Copy, Debug)]
pub enum Layer {
    Down(usize),
    Up(usize),
    Conv3x3,
}

/// A layer: `x [B, H, W, C]`, weight and bias as in [`super::stock`].
pub fn layer(kind: Layer, x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>, precision: Precision) -> Tensor<4> {
    let forward = |primitives: &[FlexTensor; 3]| layer_forward(kind, primitives, precision);
    let state = |inputs, ()| LayerState { inputs, kind, precision };
    custom!([x, weight, bias], LayerBackward, forward, state)
}

/// The windows of a layer over its input, or over its output for `Up`, and the shape of the output.
fn layer_windows(kind: Layer, x: &[usize], outputs: usize) -> (Windows, [usize; 4]) {
    let (b, h, w, c) = (x[0], x[1], x[2], x[3]);
    match kind {
        Layer::Down(r) => (Windows::shuffle(b, h / r, w / r, r, c), [b, h / r, w / r, outputs]),
        Layer::Up(r) => {
            let fine = outputs / (r * r);
            (Windows::shuffle(b, h, w, r, fine), [b, h * r, w * r, fine])
        }
        Layer::Conv3x3 => (Windows::conv3x3(b, h, w, c), [b, h, w, outputs]),
    }
}

fn layer_forward(kind: Layer, inputs: &[FlexTensor; 3], precision: Precision) -> (FlexTensor, ()) {
    let (x, weight, bias) = (values(&inputs[0]), values(&inputs[1]), values(&inputs[2]));
    let d = dims(&inputs[0]);
    let (windows, shape) = layer_windows(kind, &d, bias.len());
    let out = match kind {
        Layer::Up(r) => {
            let packed: Vec<Right> = (0..r)
                .map(|s| Packed::strided(&weight[s * windows.length..], bias.len(), d[3], windows.length))
                .map(|packed| Right::new(packed, d[3], precision))
                .collect();
            linear::scatter(windows, x, &packed, bias)
        }
        Layer::Conv3x3 => {
            let padded = Padded::new(x, d[1], d[2], d[3], 1);
            let packed = Packed::new(weight, 9 * d[3], bias.len());
            linear::gather(windows, &padded.data, &Right::new(packed, windows.length, precision), bias)
        }
        Layer::Down(_) => {
            let packed = Packed::new(weight, windows.segments * windows.length, bias.len());
            linear::gather(windows, x, &Right::new(packed, windows.length, precision), bias)
        }
    };
    (tensor(out, &shape), ())
}

#[derive(Clone)]
struct LayerState {
    inputs: [FlexTensor; 3],
    kind: Layer,
    precision: Precision,
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
        let LayerState { inputs, kind, precision } = ops.state;
        let (x, weight) = (values(&inputs[0]), values(&inputs[1]));
        let d = dims(&inputs[0]);
        let n = dims(&inputs[2])[0];
        let g = values(&gradient);
        let (windows, _) = layer_windows(kind, &d, n);
        let [x_node, weight_node, bias_node] = ops.parents;
        let of_input = || match kind {
            Layer::Up(_) => {
                let packed = Packed::transposed(weight, n, n, d[3]);
                linear::gather(windows, g, &Right::new(packed, windows.length, precision), &[])
            }
            Layer::Conv3x3 => {
                let padded = Padded::new(g, d[1], d[2], n, 1);
                // The taps in reverse, each transposed.
                let flipped = Packed::from_fn(9 * n, d[3], |k, j| {
                    let (tap, output) = (8 - k / n, k % n);
                    weight[(tap * d[3] + j) * n + output]
                });
                let windows = Windows::conv3x3(d[0], d[1], d[2], n);
                linear::gather(windows, &padded.data, &Right::new(flipped, windows.length, precision), &[])
            }
            Layer::Down(_) => {
                let rows = windows.length;
                let transposed = |s| Packed::transposed(&weight[s * rows * n..], n, n, rows);
                let packed: Vec<Right> =
                    (0..windows.segments).map(transposed).map(|packed| Right::new(packed, n, precision)).collect();
                linear::scatter(windows, g, &packed, &[])
            }
        };
        let of_weight = || match kind {
            Layer::Up(_) => linear::scatter_weight_gradient(windows, x, g, d[3], precision),
            Layer::Conv3x3 => {
                let padded = Padded::new(x, d[1], d[2], d[3], 1);
                linear::gather_weight_gradient(windows, &padded.data, g, n, precision)
            }
            Layer::Down(_) => linear::gather_weight_gradient(windows, x, g, n, precision),
        };
        let of_bias = || match kind {
            Layer::Up(_) => linear::sum_windows(windows, g),
            _ => linear::sum_rows(g, n),
        };
        // Together, so that no thread waits for the last task of one before the next begins.
        let (dx, (dw, db)) = rayon::join(
            || x_node.is_some().then(of_input),
            || rayon::join(|| weight_node.is_some().then(of_weight), || bias_node.is_some().then(of_bias)),
        );
        for (node, gradient, shape) in
            [(x_node, dx, d.as_slice()), (weight_node, dw, &dims(&inputs[1])), (bias_node, db, &[n])]
        {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                grads.register::<Flex>(node.id, tensor(gradient, shape));
            }
        }
    }
}

//! The convolutions that change the resolution, and 3×3.

use burn::tensor::Tensor;
use burn_autodiff::{
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn_flex::{Flex, FlexTensor};
use heirloom_kernels::product::{Operand, Packed};
use heirloom_kernels::training::depthwise::Padded;
use heirloom_kernels::training::sums::sum_rows;
use heirloom_kernels::training::windows::{self, Windows};

use super::super::{Passes, Precision};
use super::{Differentiable, custom, dims, operation, primitive, tensor, values};

/// Which layer.
#[derive(Clone, Copy, Debug)]
pub enum Layer {
    /// Convolution whose kernel and stride are both this number.
    Down(usize),
    /// 1×1 convolution and pixel shuffle by this factor.
    Up(usize),
    /// 3×3 convolution.
    Conv3x3,
}

/// A layer: `x [B, H, W, C]`, weight and bias as in `super::stock`.
pub fn layer(kind: Layer, x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>, passes: Passes) -> Tensor<4> {
    let forward = |primitives: &[FlexTensor; 3]| layer_forward(kind, primitives, passes.forward);
    let state = |inputs, ()| LayerState { inputs, kind, precision: passes.backward };
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
    let (layout, shape) = layer_windows(kind, &d, bias.len());
    let out = match kind {
        Layer::Up(r) => {
            let packed: Vec<Operand> = (0..r)
                .map(|s| Packed::strided(&weight[s * layout.length()..], bias.len(), d[3], layout.length()))
                .map(|packed| Operand::new(packed, d[3], precision))
                .collect();
            windows::scatter(layout, x, &packed, bias)
        }
        Layer::Conv3x3 => {
            let padded = Padded::new(x, d[1], d[2], d[3], 1);
            let packed = Packed::new(weight, 9 * d[3], bias.len());
            windows::gather(layout, padded.values(), &Operand::new(packed, layout.length(), precision), bias)
        }
        Layer::Down(_) => {
            let packed = Packed::new(weight, layout.segments() * layout.length(), bias.len());
            windows::gather(layout, x, &Operand::new(packed, layout.length(), precision), bias)
        }
    };
    (tensor(out, &shape), ())
}

#[derive(Clone)]
struct LayerState {
    inputs: [FlexTensor; 3],
    kind: Layer,
    /// Precision of the gradients.
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
        let (layout, _) = layer_windows(kind, &d, n);
        let [x_node, weight_node, bias_node] = ops.parents;
        let of_input = || match kind {
            Layer::Up(_) => {
                let packed = Packed::transposed(weight, n, n, d[3]);
                windows::gather(layout, g, &Operand::new(packed, layout.length(), precision), &[])
            }
            Layer::Conv3x3 => {
                let padded = Padded::new(g, d[1], d[2], n, 1);
                // The taps in reverse, each transposed.
                let flipped = Packed::from_fn(9 * n, d[3], |k, j| {
                    let (tap, output) = (8 - k / n, k % n);
                    weight[(tap * d[3] + j) * n + output]
                });
                let layout = Windows::conv3x3(d[0], d[1], d[2], n);
                windows::gather(layout, padded.values(), &Operand::new(flipped, layout.length(), precision), &[])
            }
            Layer::Down(_) => {
                let rows = layout.length();
                let transposed = |s| Packed::transposed(&weight[s * rows * n..], n, n, rows);
                let packed: Vec<Operand> =
                    (0..layout.segments()).map(transposed).map(|packed| Operand::new(packed, n, precision)).collect();
                windows::scatter(layout, g, &packed, &[])
            }
        };
        let of_weight = || match kind {
            Layer::Up(_) => windows::scatter_weight_gradient(layout, x, g, d[3], precision),
            Layer::Conv3x3 => {
                let padded = Padded::new(x, d[1], d[2], d[3], 1);
                windows::gather_weight_gradient(layout, padded.values(), g, n, precision)
            }
            Layer::Down(_) => windows::gather_weight_gradient(layout, x, g, n, precision),
        };
        let of_bias = || match kind {
            Layer::Up(_) => windows::sum_windows(layout, g),
            _ => sum_rows(g, n),
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

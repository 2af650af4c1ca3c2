//! Every layer in the framework's own operations: the statement that any faster one is tested
//! against.

use burn::tensor::{Tensor, activation, module, ops::ConvOptions};

use super::BlockParams;

/// Guards the division of the normalisation over channels.
const NORM_EPSILON: f32 = 1e-6;

/// GELU in its erf form: `x * Φ(x)`. Composed here, as some devices differentiate their own GELU
/// only approximately.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let phi = (x.clone().mul_scalar(std::f32::consts::FRAC_1_SQRT_2).erf().add_scalar(1.0)).mul_scalar(0.5);
    x * phi
}

/// `x · weight + bias` for vectors: `x` is `[B, In]`, `weight` `[In, Out]`, `bias` `[Out]`.
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    x.matmul(weight) + bias.unsqueeze::<2>()
}

/// A 1×1 convolution: `x` is `[B, H, W, In]`, `weight` `[In, Out]`, `bias` `[Out]`.
pub fn dense(x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<4> {
    let [b, h, w, c] = x.dims();
    let out = bias.dims()[0];
    linear(x.reshape([b * h * w, c]), weight, bias).reshape([b, h, w, out])
}

/// A convolution whose kernel and stride are both `r`: `weight` is `[r * r * In, Out]`, rows in the
/// order (ky, kx, cin). Height and width are multiples of `r`.
pub fn down(x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>, r: usize) -> Tensor<4> {
    dense(patches(x, r), weight, bias)
}

/// Squares of `r` by `r` pixels as channels, `[B, H/r, W/r, r * r * C]`, in the order (y, x, c).
pub fn patches(x: Tensor<4>, r: usize) -> Tensor<4> {
    let [b, h, w, c] = x.dims();
    x.reshape([b * h / r, r, w / r, r * c]).permute([0, 2, 1, 3]).reshape([b, h / r, w / r, r * r * c])
}

/// Each pixel's 3 × 3 neighbours as channels, `[B, H, W, 9 * C]`, in the order (y, x, c), zero
/// outside.
pub fn neighbourhoods(x: &Tensor<4>) -> Tensor<4> {
    let [b, h, w, c] = x.dims();
    let padded = Tensor::<4>::zeros([b, h + 2, w + 2, c], &x.device());
    let padded = padded.slice_assign([0..b, 1..h + 1, 1..w + 1, 0..c], x.clone());
    let shifted = |i: usize| padded.clone().slice([0..b, i / 3..i / 3 + h, i % 3..i % 3 + w, 0..c]);
    Tensor::cat((0..9).map(shifted).collect(), 3)
}

/// A 1×1 convolution to `r * r` times the channels, then pixel shuffle to `r` by `r` pixels:
/// `weight` is `[In, r * r * Out]`, columns in the order (ry, rx, c).
pub fn up(x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>, r: usize) -> Tensor<4> {
    let [b, h, w, _] = x.dims();
    let out = bias.dims()[0] / (r * r);
    let y = dense(x, weight, bias);
    y.reshape([b * h, w, r, r * out]).permute([0, 2, 1, 3]).reshape([b, h * r, w * r, out])
}

/// A 3×3 convolution, zero outside: `weight` is `[9 * In, Out]`, rows in the order (ky, kx, cin).
pub fn conv3x3(x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<4> {
    let [_, _, _, c] = x.dims();
    let out = bias.dims()[0];
    let weight = weight.reshape([3, 3, c, out]).permute([3, 2, 0, 1]);
    let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
    let y = module::conv2d(x.permute([0, 3, 1, 2]), weight, None, options).permute([0, 2, 3, 1]);
    y + bias.reshape([1, 1, 1, out])
}

/// See [`super::depthwise`].
pub fn depthwise(x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>, kernel: usize) -> Tensor<4> {
    let c = x.dims()[3];
    let taps = weight.swap_dims(0, 1).reshape([c, 1, kernel, kernel]);
    let options = ConvOptions::new([1, 1], [kernel / 2, kernel / 2], [1, 1], c);
    // The bias is added separately: the fast depthwise kernels of some devices take none.
    let y = module::conv2d(x.permute([0, 3, 1, 2]), taps, None, options).permute([0, 2, 3, 1]);
    y + bias.reshape([1, 1, 1, c])
}

/// See [`super::space_to_depth`].
pub fn space_to_depth(x: Tensor<4>) -> Tensor<4> {
    let [b, h, w, c] = x.dims();
    x.reshape([b * h / 2, 2, w / 2, 2 * c]).permute([0, 2, 1, 3]).reshape([b, h / 2, w / 2, 4 * c])
}

/// See [`super::depth_to_space`].
pub fn depth_to_space(x: Tensor<4>) -> Tensor<4> {
    let [b, h, w, c] = x.dims();
    x.reshape([b * h, w, 2, c / 2]).permute([0, 2, 1, 3]).reshape([b, 2 * h, 2 * w, c / 4])
}

/// See [`super::leaky`].
pub fn leaky(x: Tensor<4>, slope: f32) -> Tensor<4> {
    activation::leaky_relu(x, f64::from(slope))
}

/// See [`super::modulate`].
pub fn modulate(x: Tensor<4>, by: Tensor<2>) -> Tensor<4> {
    let [b, _, _, c] = x.dims();
    let shift = by.clone().slice([0..b, 0..c]).reshape([b, 1, 1, c]);
    let scale = by.slice([0..b, c..2 * c]).reshape([b, 1, 1, c]);
    x * scale.add_scalar(1.0) + shift
}

/// See [`super::block`].
pub fn block(x: Tensor<4>, modulation: Tensor<2>, p: BlockParams, kernel: usize) -> Tensor<4> {
    let c = x.dims()[3];
    let h = project_input(expand_input(x.clone(), modulation, &p, kernel), &p);
    x + dense(h, p.project_weight, p.project_bias) * p.layer_scale.reshape([1, 1, 1, c])
}

/// What the first product of a block sees, `[B, H, W, C]`.
pub fn expand_input(x: Tensor<4>, modulation: Tensor<2>, p: &BlockParams, kernel: usize) -> Tensor<4> {
    let h = depthwise(x, p.depthwise_weight.clone(), p.depthwise_bias.clone(), kernel);
    let h = h.clone() - h.mean_dim(3);
    let deviation = (h.clone().square().mean_dim(3).add_scalar(NORM_EPSILON)).sqrt();
    modulate(h / deviation, modulation)
}

/// What the second product of a block sees, `[B, H, W, 2C]`, from what the first one does.
pub fn project_input(expanded: Tensor<4>, p: &BlockParams) -> Tensor<4> {
    gelu(dense(expanded, p.expand_weight.clone(), p.expand_bias.clone()))
}

//! The layers the network is made of and its objective, as functions of tensors. All feature maps
//! are NHWC: `[batch, height, width, channels]`.
//!
//! [`stock`] and [`rate`] state each in the framework's own operations, correct on every device. On
//! the CPU, [`fused`] computes the same with the kernels of `heirloom-kernels`, forward and
//! backward.

pub mod fused;
pub mod rate;
pub mod stock;

use burn::tensor::{Device, Tensor};

use fused::Layer;
pub use heirloom_kernels::product::Precision;
pub use stock::gelu;

/// Precision of the matrix products of a layer.
#[derive(Clone, Copy, Debug)]
pub struct Passes {
    /// Of its outputs.
    pub forward: Precision,
    /// Of the gradients of its inputs and weights.
    pub backward: Precision,
}

impl Passes {
    /// Single precision.
    pub const SINGLE: Passes = Passes { forward: Precision::Single, backward: Precision::Single };
}

/// The tensors of one conditioned ConvNeXt block (without its modulation matrix, which acts on the
/// embedding).
pub struct BlockParams {
    /// `[k * k, C]`, rows in tap order (ky, kx).
    pub depthwise_weight: Tensor<2>,
    /// `[C]`
    pub depthwise_bias: Tensor<1>,
    /// `[C, 2C]`
    pub expand_weight: Tensor<2>,
    /// `[2C]`
    pub expand_bias: Tensor<1>,
    /// `[2C, C]`
    pub project_weight: Tensor<2>,
    /// `[C]`
    pub project_bias: Tensor<1>,
    /// `[C]`
    pub layer_scale: Tensor<1>,
    /// Precision of both linear layers.
    pub precision: Precision,
}

/// Whether a tensor is on the CPU backend, where our own kernels apply.
fn on_cpu<const D: usize>(x: &Tensor<D>) -> bool {
    x.device().inner() == Device::flex()
}

/// `x · weight + bias` for vectors: `x` is `[B, In]`, `weight` `[In, Out]`, `bias` `[Out]`.
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    if on_cpu(&x) { fused::dense(vec![x], weight, bias, Passes::SINGLE) } else { stock::linear(x, weight, bias) }
}

/// A 1×1 convolution of maps `[B, H, W, In_i]` whose channels are concatenated: `weight` is
/// `[Σ In_i, Out]`, `bias` `[Out]`. There is at least one map.
pub fn dense(maps: Vec<Tensor<4>>, weight: Tensor<2>, bias: Tensor<1>, passes: Passes) -> Tensor<4> {
    if on_cpu(&bias) {
        fused::dense(maps, weight, bias, passes)
    } else {
        stock::dense(Tensor::cat(maps, 3), weight, bias)
    }
}

/// A convolution whose kernel and stride are both `r`: `weight` is `[r * r * In, Out]`, rows in the
/// order (ky, kx, cin). Height and width are multiples of `r`.
pub fn down(x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>, r: usize, passes: Passes) -> Tensor<4> {
    if on_cpu(&x) { fused::layer(Layer::Down(r), x, weight, bias, passes) } else { stock::down(x, weight, bias, r) }
}

/// A 1×1 convolution to `r * r` times the channels, then pixel shuffle to `r` by `r` pixels:
/// `weight` is `[In, r * r * Out]`, columns in the order (ry, rx, c).
pub fn up(x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>, r: usize, passes: Passes) -> Tensor<4> {
    if on_cpu(&x) { fused::layer(Layer::Up(r), x, weight, bias, passes) } else { stock::up(x, weight, bias, r) }
}

/// A 3×3 convolution, zero outside: `weight` is `[9 * In, Out]`, rows in the order (ky, kx, cin).
pub fn conv3x3(x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>, passes: Passes) -> Tensor<4> {
    if on_cpu(&x) { fused::layer(Layer::Conv3x3, x, weight, bias, passes) } else { stock::conv3x3(x, weight, bias) }
}

/// A depthwise convolution, zero outside: `x` is `[B, H, W, C]`, `weight` `[kernel * kernel, C]` with
/// rows in the order (ky, kx), `bias` `[C]`, `kernel` odd. For small maps: on the CPU, too, it runs on
/// the framework's own operations.
pub fn depthwise(x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>, kernel: usize) -> Tensor<4> {
    stock::depthwise(x, weight, bias, kernel)
}

/// One block: `x + scale * project(gelu(expand(modulate(norm(depthwise(x))))))`.
///
/// `x` is `[B, H, W, C]`; `modulation` is `[B, 2C]`, first half shift, second half scale; `kernel`
/// is odd.
pub fn block(x: Tensor<4>, modulation: Tensor<2>, params: BlockParams, kernel: usize) -> Tensor<4> {
    let vectors = x.dims()[3].is_multiple_of(16);
    if vectors && on_cpu(&x) {
        fused::block(x, modulation, params, kernel)
    } else {
        stock::block(x, modulation, params, kernel)
    }
}

/// `x` where it is positive, else `slope · x`.
pub fn leaky(x: Tensor<4>, slope: f32) -> Tensor<4> {
    if on_cpu(&x) { fused::leaky(x, slope) } else { stock::leaky(x, slope) }
}

/// `x · (1 + scale) + shift` per channel: `x` is `[B, H, W, C]`, `by` `[B, 2C]`, shifts before
/// scales.
pub fn modulate(x: Tensor<4>, by: Tensor<2>) -> Tensor<4> {
    if on_cpu(&x) { fused::modulate(x, by) } else { stock::modulate(x, by) }
}

/// Merges every 2×2 pixels of `[B, H, W, C]` into one of four times the channels, in the order
/// (dy, dx, c); H and W are even.
pub fn space_to_depth(x: Tensor<4>) -> Tensor<4> {
    if on_cpu(&x) { fused::space_to_depth(x) } else { stock::space_to_depth(x) }
}

/// The inverse of [`space_to_depth`].
pub fn depth_to_space(x: Tensor<4>) -> Tensor<4> {
    if on_cpu(&x) { fused::depth_to_space(x) } else { stock::depth_to_space(x) }
}

/// Bits per image, `[B]`, of latents `[B, H, W, C]` under raw priors `[B, H, W, 2C]`: means, then
/// raw scales.
pub fn bits(prior: Tensor<4>, latent: Tensor<4>) -> Tensor<1> {
    if on_cpu(&latent) { fused::bits(prior, latent) } else { rate::bits(prior, latent) }
}

/// Σ (x − target)² per image, `[B]`.
pub fn squared_error(x: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
    if on_cpu(&x) { fused::squared_error(x, target) } else { rate::per_image((x - target).square()) }
}

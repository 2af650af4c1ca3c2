//! The layers the network is made of, as functions of tensors. All feature maps are NHWC: `[batch, height, width, channels]`.
//!
//! [`stock`] states each in the framework's own operations, correct on every device. On the CPU, [`fused`] computes the
//! same with our own kernels, forward and backward.

pub mod cpu;
pub mod fused;
pub mod stock;

use burn::tensor::{Device, Tensor};

use fused::Layer;
pub use stock::{gelu, linear};

/// The tensors of one conditioned ConvNeXt block (without its modulation matrix, which acts on the embedding).
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
}

/// Whether a tensor lives on the CPU backend, where our own kernels apply.
fn on_cpu(x: &Tensor<4>) -> bool {
    x.device().inner() == Device::flex()
}

/// A 1x1 convolution: `x` is `[B, H, W, In]`, `weight` `[In, Out]`, `bias` `[Out]`.
pub fn dense(x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<4> {
    if on_cpu(&x) { fused::layer(Layer::Dense, x, weight, bias) } else { stock::dense(x, weight, bias) }
}

/// A convolution whose kernel and stride are both `r`: `weight` is `[r * r * In, Out]`, rows in the order (ky, kx, cin).
/// Height and width are multiples of `r`.
pub fn down(x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>, r: usize) -> Tensor<4> {
    if on_cpu(&x) { fused::layer(Layer::Down(r), x, weight, bias) } else { stock::down(x, weight, bias, r) }
}

/// A 1x1 convolution to `r * r` times the channels, then each pixel's values spread over an `r` by `r` square: `weight` is
/// `[In, r * r * Out]`, columns in the order (ry, rx, c).
pub fn up(x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>, r: usize) -> Tensor<4> {
    if on_cpu(&x) { fused::layer(Layer::Up(r), x, weight, bias) } else { stock::up(x, weight, bias, r) }
}

/// A 3x3 convolution, zero outside: `weight` is `[9 * In, Out]`, rows in the order (ky, kx, cin).
pub fn conv3x3(x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<4> {
    if on_cpu(&x) { fused::layer(Layer::Conv3x3, x, weight, bias) } else { stock::conv3x3(x, weight, bias) }
}

/// One block: `x + scale * project(gelu(expand(modulate(norm(depthwise(x))))))`.
///
/// `x` is `[B, H, W, C]`; `modulation` is `[B, 2C]`, first half shift, second half scale; `kernel` is odd.
pub fn block(x: Tensor<4>, modulation: Tensor<2>, params: BlockParams, kernel: usize) -> Tensor<4> {
    let vectors = x.dims()[3].is_multiple_of(16);
    if vectors && on_cpu(&x) {
        fused::block(x, modulation, params, kernel)
    } else {
        stock::block(x, modulation, params, kernel)
    }
}

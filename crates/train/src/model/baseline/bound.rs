//! Lower bounds that let gradients through (Ballé et al., 2018, "Variational image compression with
//! a scale hyperprior", in its published code).

use burn::tensor::Tensor;

/// max(x, least) with the gradient of the identity. The caller must stop a value below the bound
/// from falling further; for parameters see [`crate::model::system::System::constrain_gradient`].
pub fn at_least<const D: usize>(x: Tensor<D>, least: f32) -> Tensor<D> {
    let missing = (x.clone().clamp_min(least) - x.clone()).detach();
    x + missing
}

//! Lower bounds through which learning still gets (Ballé et al., 2018, "Variational image compression with a scale hyperprior",
//! in its published code).

use burn::tensor::Tensor;

/// max(x, least), whose gradient counts as the identity. A value below the bound that shall fall further must be held by the
/// caller; for parameters see [`super::Baseline::hold`].
pub fn at_least<const D: usize>(x: Tensor<D>, least: f32) -> Tensor<D> {
    let lack = (x.clone().clamp_min(least) - x.clone()).detach();
    x + lack
}

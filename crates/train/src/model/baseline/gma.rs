//! The transforms of the system with attention (Cheng et al., 2020, figure 4, with a single
//! Gaussian).

use super::{
    declaration::Declaration,
    layers::Kind,
    transform::{Activation, Resampling, Transform},
};

/// Analysis: image to latent, at 1/16 of the resolution.
pub fn analysis(d: &mut Declaration, n: usize) -> Transform {
    Transform::new("encoder.analysis")
        .residual(d, Resampling::Half, 3, n)
        .residual(d, Resampling::Same, n, n)
        .residual(d, Resampling::Half, n, n)
        .attention(d, n)
        .residual(d, Resampling::Same, n, n)
        .residual(d, Resampling::Half, n, n)
        .residual(d, Resampling::Same, n, n)
        .plain(d, Kind::Half(3), n, n, Activation::None)
        .attention(d, n)
}

/// Hyper-analysis: latent to hyper-latent, at 1/4 of its resolution.
pub fn hyper_analysis(d: &mut Declaration, n: usize) -> Transform {
    Transform::new("encoder.hyper")
        .plain(d, Kind::Same, n, n, Activation::Leaky)
        .plain(d, Kind::Same, n, n, Activation::Leaky)
        .plain(d, Kind::Half(3), n, n, Activation::Leaky)
        .plain(d, Kind::Same, n, n, Activation::Leaky)
        .plain(d, Kind::Half(3), n, n, Activation::None)
}

/// Hyper-synthesis: hyper-latent to 2n values per latent.
pub fn hyper_synthesis(d: &mut Declaration, n: usize) -> Transform {
    Transform::new("entropy.hyper")
        .plain(d, Kind::Same, n, n, Activation::Leaky)
        .plain(d, Kind::Double, n, n, Activation::Leaky)
        .plain(d, Kind::Same, n, n * 3 / 2, Activation::Leaky)
        .plain(d, Kind::Double, n * 3 / 2, n * 3 / 2, Activation::Leaky)
        .plain(d, Kind::Same, n * 3 / 2, 2 * n, Activation::None)
}

/// Entropy parameters: 4n values per latent, from hyper-synthesis and context, to its scale and
/// mean.
pub fn parameters(d: &mut Declaration, n: usize) -> Transform {
    Transform::new("entropy.parameters")
        .plain(d, Kind::Point, 4 * n, n * 10 / 3, Activation::Leaky)
        .plain(d, Kind::Point, n * 10 / 3, n * 8 / 3, Activation::Leaky)
        .plain(d, Kind::Point, n * 8 / 3, 2 * n, Activation::None)
}

/// Synthesis: latent to image.
pub fn synthesis(d: &mut Declaration, n: usize) -> Transform {
    Transform::new("reconstruction.synthesis")
        .attention(d, n)
        .residual(d, Resampling::Same, n, n)
        .residual(d, Resampling::Double, n, n)
        .residual(d, Resampling::Same, n, n)
        .residual(d, Resampling::Double, n, n)
        .attention(d, n)
        .residual(d, Resampling::Same, n, n)
        .residual(d, Resampling::Double, n, n)
        .residual(d, Resampling::Same, n, n)
        .image(d, Kind::Double, n)
}

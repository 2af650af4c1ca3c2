//! The transforms of the mean-scale hyperprior.

use super::{
    declaration::Declaration,
    layers::Kind,
    transform::{Activation, Transform},
};

/// Analysis: image to latent, at 1/16 of the resolution.
pub fn analysis(d: &mut Declaration, n: usize, m: usize) -> Transform {
    Transform::new("encoder.analysis")
        .plain(d, Kind::Half(5), 3, n, Activation::Gdn)
        .plain(d, Kind::Half(5), n, n, Activation::Gdn)
        .plain(d, Kind::Half(5), n, n, Activation::Gdn)
        .plain(d, Kind::Half(5), n, m, Activation::None)
}

/// Hyper-analysis: latent to hyper-latent, at 1/4 of its resolution.
pub fn hyper_analysis(d: &mut Declaration, n: usize, m: usize) -> Transform {
    Transform::new("encoder.hyper")
        .plain(d, Kind::Same, m, n, Activation::Leaky)
        .plain(d, Kind::Half(5), n, n, Activation::Leaky)
        .plain(d, Kind::Half(5), n, n, Activation::None)
}

/// Hyper-synthesis: hyper-latent to scales and means of the latent.
pub fn hyper_synthesis(d: &mut Declaration, n: usize, m: usize) -> Transform {
    Transform::new("entropy.hyper")
        .plain(d, Kind::Transposed, n, m, Activation::Leaky)
        .plain(d, Kind::Transposed, m, m * 3 / 2, Activation::Leaky)
        .plain(d, Kind::Same, m * 3 / 2, 2 * m, Activation::None)
}

/// Synthesis: latent to image.
pub fn synthesis(d: &mut Declaration, n: usize, m: usize) -> Transform {
    Transform::new("reconstruction.synthesis")
        .plain(d, Kind::Transposed, m, n, Activation::InverseGdn)
        .plain(d, Kind::Transposed, n, n, Activation::InverseGdn)
        .plain(d, Kind::Transposed, n, n, Activation::InverseGdn)
        .image(d, Kind::Transposed, n)
}

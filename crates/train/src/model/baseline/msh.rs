//! The transforms of the mean-scale hyperprior.

use super::{
    declare::Declaration,
    layers::Kind,
    transform::{After, Transform},
};

/// Image to latent, a sixteenth of the resolution.
pub fn analysis(d: &mut Declaration, n: usize, m: usize) -> Transform {
    Transform::new("encoder.analysis")
        .plain(d, Kind::Half(5), 3, n, After::Gdn)
        .plain(d, Kind::Half(5), n, n, After::Gdn)
        .plain(d, Kind::Half(5), n, n, After::Gdn)
        .plain(d, Kind::Half(5), n, m, After::Nothing)
}

/// Latent to hyper-latent, a quarter of its resolution.
pub fn hyper_analysis(d: &mut Declaration, n: usize, m: usize) -> Transform {
    Transform::new("encoder.hyper")
        .plain(d, Kind::Same, m, n, After::Leaky)
        .plain(d, Kind::Half(5), n, n, After::Leaky)
        .plain(d, Kind::Half(5), n, n, After::Nothing)
}

/// Hyper-latent to scales and means of the latent.
pub fn hyper_synthesis(d: &mut Declaration, n: usize, m: usize) -> Transform {
    Transform::new("entropy.hyper")
        .plain(d, Kind::Transposed, n, m, After::Leaky)
        .plain(d, Kind::Transposed, m, m * 3 / 2, After::Leaky)
        .plain(d, Kind::Same, m * 3 / 2, 2 * m, After::Nothing)
}

/// Latent to image.
pub fn synthesis(d: &mut Declaration, n: usize, m: usize) -> Transform {
    Transform::new("reconstruction.synthesis")
        .plain(d, Kind::Transposed, m, n, After::InverseGdn)
        .plain(d, Kind::Transposed, n, n, After::InverseGdn)
        .plain(d, Kind::Transposed, n, n, After::InverseGdn)
        .image(d, Kind::Transposed, n)
}

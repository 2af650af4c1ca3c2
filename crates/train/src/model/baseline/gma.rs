//! The transforms of the system with attention (Cheng et al., 2020, figure 4; Gaussian, not a mixture).

use super::{
    declare::Declaration,
    layers::Kind,
    transform::{After, Step, Transform},
};

/// Image to latent, a sixteenth of the resolution.
pub fn analysis(d: &mut Declaration, n: usize) -> Transform {
    Transform::new("encoder.analysis")
        .residual(d, Step::Half, 3, n)
        .residual(d, Step::Same, n, n)
        .residual(d, Step::Half, n, n)
        .attention(d, n)
        .residual(d, Step::Same, n, n)
        .residual(d, Step::Half, n, n)
        .residual(d, Step::Same, n, n)
        .plain(d, Kind::Half(3), n, n, After::Nothing)
        .attention(d, n)
}

/// Latent to hyper-latent, a quarter of its resolution.
pub fn hyper_analysis(d: &mut Declaration, n: usize) -> Transform {
    Transform::new("encoder.hyper")
        .plain(d, Kind::Same, n, n, After::Leaky)
        .plain(d, Kind::Same, n, n, After::Leaky)
        .plain(d, Kind::Half(3), n, n, After::Leaky)
        .plain(d, Kind::Same, n, n, After::Leaky)
        .plain(d, Kind::Half(3), n, n, After::Nothing)
}

/// Hyper-latent to what it says of each latent: 2n values.
pub fn hyper_synthesis(d: &mut Declaration, n: usize) -> Transform {
    Transform::new("entropy.hyper")
        .plain(d, Kind::Same, n, n, After::Leaky)
        .plain(d, Kind::Double, n, n, After::Leaky)
        .plain(d, Kind::Same, n, n * 3 / 2, After::Leaky)
        .plain(d, Kind::Double, n * 3 / 2, n * 3 / 2, After::Leaky)
        .plain(d, Kind::Same, n * 3 / 2, 2 * n, After::Nothing)
}

/// What hyper-latent and context say of each latent, 4n values, to its scale and mean.
pub fn parameters(d: &mut Declaration, n: usize) -> Transform {
    Transform::new("entropy.parameters")
        .plain(d, Kind::Point, 4 * n, n * 10 / 3, After::Leaky)
        .plain(d, Kind::Point, n * 10 / 3, n * 8 / 3, After::Leaky)
        .plain(d, Kind::Point, n * 8 / 3, 2 * n, After::Nothing)
}

/// Latent to image.
pub fn synthesis(d: &mut Declaration, n: usize) -> Transform {
    Transform::new("reconstruction.synthesis")
        .attention(d, n)
        .residual(d, Step::Same, n, n)
        .residual(d, Step::Double, n, n)
        .residual(d, Step::Same, n, n)
        .residual(d, Step::Double, n, n)
        .attention(d, n)
        .residual(d, Step::Same, n, n)
        .residual(d, Step::Double, n, n)
        .residual(d, Step::Same, n, n)
        .image(d, Kind::Double, n)
}

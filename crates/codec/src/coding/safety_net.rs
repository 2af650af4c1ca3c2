//! The judgement whether the network serves a tile well, or the tile is better stored without loss.

use super::lossless;
use crate::image::{Image, Samples};

/// How a tile is stored.
pub(super) enum Verdict {
    /// As latents.
    Latents,
    /// As this lossless stream.
    Lossless(Vec<u8>),
}

/// Errors beyond this multiple of what photographs have at a λ count as ruined.
const RUINED: f64 = 4.0;

/// Mean squared error of samples in [-1, 1] of a photograph that is hard to code, by λ: an upper
/// bound of what the default model makes of the Kodak images.
fn expected_error(lambda: f64) -> f64 {
    0.35 * lambda.powf(-0.75) + 0.0012
}

/// Most times that the quick estimate of a lossless stream is larger than its best one.
const QUICK: f64 = 5.0;

/// Judges a tile of `pixels` whose latents have `bytes` and an `error` (mean squared, of samples in
/// [-1, 1]).
///
/// The network is trained to minimise bits per pixel + λ · error, so that a lossless stream is
/// better exactly if it has fewer bits than that. It is also taken, however long it is, if the
/// error is far above what photographs have at this λ: nothing is ever ruined.
pub(super) fn judge(
    bytes: usize,
    error: f64,
    pixels: u64,
    lambda: f32,
    colour: &Image,
    stream: impl FnOnce() -> Option<Vec<u8>>,
) -> Verdict {
    let lambda = f64::from(lambda);
    let allowed = bytes as f64 + lambda * error * pixels as f64 / 8.0;
    let ruined = error > RUINED * expected_error(lambda);
    if !ruined && lossless::quick_bytes(colour).is_none_or(|quick| quick as f64 > QUICK * allowed) {
        return Verdict::Latents;
    }
    match stream() {
        Some(stream) if ruined || stream.len() as f64 <= allowed => Verdict::Lossless(stream),
        _ => Verdict::Latents,
    }
}

/// Mean squared difference of the samples of two images of the same size and format, as samples in
/// [-1, 1].
pub(super) fn error(a: &Image, b: &Image) -> f64 {
    fn sum<T: Copy + Into<f64>>(a: &[T], b: &[T]) -> f64 {
        a.iter().zip(b).map(|(&a, &b)| (a.into() - b.into()).powi(2)).sum()
    }
    let (squares, unit) = match (a.samples(), b.samples()) {
        (Samples::U8(a), Samples::U8(b)) => (sum(a, b), 127.5),
        (Samples::U16(a), Samples::U16(b)) => (sum(a, b), 32767.5),
        _ => return f64::INFINITY,
    };
    squares / (unit * unit) / a.samples().len() as f64
}

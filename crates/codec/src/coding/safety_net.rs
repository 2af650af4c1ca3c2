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

/// Errors beyond this multiple of what a difficult photograph has at a λ count as ruined.
const RUINED: f64 = 3.0;

/// Most times that a lossless stream may be as long as the latents, unless they are ruined. At the
/// highest λ, a few photographs would be stored without loss for six times the bytes; nobody who
/// asks for the best quality of a lossy codec expects that.
const MOST_BYTES: f64 = 2.0;

/// Most times that the quick estimate of a lossless stream is larger than the best stream.
const QUICK: f64 = 5.0;

/// Mean squared error, of samples in [-1, 1], of a photograph that is hard to code: about what the
/// default model makes of the worst Kodak images (kodim13 and kodim24) from λ = 8 to 8192.
fn difficult(lambda: f64) -> f64 {
    0.1 * lambda.powf(-0.6) + 0.0003
}

/// Judges a tile of `pixels` whose latents have `bytes` and an `error` (mean squared, of samples in
/// [-1, 1]). `stream` makes the lossless stream, and may give up if it becomes longer than its
/// argument.
///
/// The network is trained to minimise bits per pixel + λ · error, so that a lossless stream is
/// better exactly if it has fewer bits than that. It is also taken, however long it is, if the
/// error is far above what photographs have at this λ: nothing is ever ruined.
///
/// Of the Kodak images none is stored without loss at any λ; of drawn screens (`scripts/screens.py`)
/// all are at λ = 256, with 47 % fewer bytes than latents would have (median of 40; from 68 % fewer
/// to 17 % more).
pub(super) fn judge(
    bytes: usize,
    error: f64,
    pixels: u64,
    lambda: f32,
    colour: &Image,
    stream: impl FnOnce(usize) -> Option<Vec<u8>>,
) -> Verdict {
    let lambda = f64::from(lambda);
    let by_error = lambda * error * pixels as f64 / 8.0;
    let ruined = error > RUINED * difficult(lambda);
    let allowed = (bytes as f64 + by_error).min(MOST_BYTES * bytes as f64);
    if ruined {
        return stream(usize::MAX).map_or(Verdict::Latents, Verdict::Lossless);
    }
    if lossless::quick_bytes(colour).is_none_or(|quick| quick as f64 > QUICK * allowed) {
        return Verdict::Latents;
    }
    match stream(allowed as usize) {
        Some(stream) if stream.len() as f64 <= allowed => Verdict::Lossless(stream),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::PixelFormat;

    #[test]
    fn the_cheaper_and_the_unruined_win() {
        let mixed = |i: u32| (i ^ (i >> 7)).wrapping_mul(0x9e37_79b1).rotate_left(13).wrapping_mul(0x85eb_ca6b);
        let noise = (0..64 * 64 * 3).map(|i| (mixed(i) >> 24) as u8).collect();
        let noise = Image::new(64, 64, PixelFormat::Rgb8, noise).unwrap();
        let flat = Image::new(64, 64, PixelFormat::Rgb8, vec![7; 64 * 64 * 3]).unwrap();
        let is_lossless = |bytes, error, lambda, image: &Image| {
            let stream = |_| lossless::encode(image, usize::MAX);
            matches!(judge(bytes, error, 64 * 64, lambda, image, stream), Verdict::Lossless(_))
        };
        assert!(is_lossless(300, 1e-4, 256.0, &flat), "fewer bytes");
        assert!(!is_lossless(5000, 0.004, 256.0, &noise), "more bytes, and an error as expected");
        assert!(is_lossless(5000, 0.1, 256.0, &noise), "ruined");
        assert!(!is_lossless(5000, 0.1, 4.0, &noise), "the same error at a low λ");
        assert!(error(&noise, &noise) < 1e-12);
    }
}

//! Finding the ranges of the inputs of products, for the integers of a model file.

use heirloom_kernels::Bits;

use super::{EncodeOptions, Lossless, Model};
use crate::image::Image;
use crate::model::{LambdaRanges, MARGIN, ModelError, ModelFile, QuantisedWeights, Ranges, Spec, Weights};
use crate::network::{Network, Peaks};

/// The range that every input is supposed to have at first.
const FIRST_RANGE: f32 = 64.0;
/// Passes over the images at most. Two are enough unless a range is far beyond the first guess.
const MAX_PASSES: usize = 6;

/// The largest magnitude of each product's input while `images` are encoded and decoded at
/// `lambdas`.
///
/// The images are coded with integers in coarse steps first, and then again in finer steps, until
/// the steps of no input change much.
///
/// # Errors
/// An invalid spec or range, weights that do not fit the spec or cannot be rounded, or an image or λ
/// that cannot be encoded.
pub fn calibrate(
    spec: &Spec,
    lambda: &LambdaRanges,
    weights: &Weights,
    images: &[Image],
    lambdas: &[f32],
) -> Result<Ranges, ModelError> {
    let mut ranges = Ranges::uniform(spec, FIRST_RANGE);
    for pass in 1..=MAX_PASSES {
        let quantised = QuantisedWeights::from_floats(spec, weights, &ranges)?;
        let (network, peaks) = Network::observed(spec, lambda, &quantised)?;
        let model = Model::of_network(ModelFile::new(spec.clone(), *lambda, quantised)?.metadata, network);
        for image in images {
            for &lambda in lambdas {
                let failed = |error: &dyn std::fmt::Display| ModelError::Calibration(error.to_string());
                let mut options = EncodeOptions::new(lambda).with_lossless(Lossless::Never);
                options.max_memory = u64::MAX;
                let (_, report) = model.encode_with_report(image, &options).map_err(|error| failed(&error))?;
                let reconstruction = model.reconstruct(&report.latents, &super::DecodeOptions::default());
                reconstruction.map_err(|error| failed(&error))?;
            }
        }
        let settled = refine(&mut ranges, &peaks);
        if settled && pass > 1 {
            break;
        }
    }
    Ok(ranges)
}

/// Sets ranges to what was observed. Returns whether none was exceeded.
fn refine(ranges: &mut Ranges, peaks: &Peaks) -> bool {
    let limit = Bits::Sixteen.limit() as f32;
    let mut settled = true;
    for (product, peak) in peaks {
        let largest = ranges.get(product).unwrap_or(FIRST_RANGE);
        let peak = peak.get() as f32;
        if peak >= limit {
            ranges.set(product, 16.0 * largest);
            settled = false;
        } else {
            ranges.set(product, (peak / limit * MARGIN * largest).max(f32::MIN_POSITIVE));
        }
    }
    settled
}

/// Artificial images that reach further than photographs: noise, a chessboard of pixels, saturated
/// areas, thin lines, gradients. Each has 128 × 128 pixels.
#[must_use]
pub fn artificial_images() -> Vec<Image> {
    const SIDE: u32 = 128;
    let patterns: [fn(u32, u32, u32) -> u8; 5] = [
        |x, y, c| {
            ((x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77) ^ c.wrapping_mul(0xC2B2_AE3D))
                .wrapping_mul(0x27D4_EB2F)
                >> 24) as u8
        },
        |x, y, _| if (x + y).is_multiple_of(2) { 255 } else { 0 },
        |x, y, c| if (x / 8 * 7 + y / 8 * 3 + c) % 3 == 0 { 255 } else { 0 },
        |x, y, _| if x % 9 == 4 || y % 13 == 6 { 0 } else { 255 },
        |x, y, c| ((x * (c + 1) + y * (3 - c)) / 2) as u8,
    ];
    let image = |pattern: &fn(u32, u32, u32) -> u8| {
        let pixels = (0..SIDE).flat_map(|y| (0..SIDE).flat_map(move |x| (0..3).map(move |c| (x, y, c))));
        let data = pixels.map(|(x, y, c)| pattern(x, y, c)).collect();
        Image::new(SIDE, SIDE, crate::image::PixelFormat::Rgb8, data)
    };
    patterns.iter().filter_map(|pattern| image(pattern).ok()).collect()
}

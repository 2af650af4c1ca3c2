//! How much memory feature maps take at worst, so that it can be refused before it is taken.

use crate::model::{LEVELS, STAGES, STRIDES, Spec};

/// Bytes of feature maps that decoding an image of `pixels` padded pixels takes at its worst moment. An upper estimate
/// (buffers that do not grow with the image are left out), saturating.
#[must_use]
pub fn decoding(spec: &Spec, pixels: u64) -> u64 {
    // At a level: the features e and r, the merge's output, prior mean and raw scale, symbols and their tables.
    let level = (0..LEVELS).map(|level| {
        let stage = Spec::stage_of_level(level);
        let here = 3 * feature(spec, stage) + 4 * latent(spec, level);
        let up = 2 * feature(spec, stage) + feature(spec, stage - 1) + latent(spec, level);
        // Between levels: r going up beside the next e, and the finer latent being decoded.
        let between = if level + 1 < LEVELS {
            2 * feature(spec, stage) + 2 * feature(spec, stage - 1) + 4 * latent(spec, level + 1)
        } else {
            0
        };
        here.max(up).max(between)
    });
    // Last of all: the feature at stride 4, the image as floats and as bytes.
    let tail = feature(spec, 0) + 4 * UNIT;
    bytes(level.fold(tail, u64::max), pixels)
}

/// As [`decoding`], for encoding.
#[must_use]
pub fn encoding(spec: &Spec, pixels: u64) -> u64 {
    // Bottom-up: the image, and each stage's features kept beside the next stage's.
    let features: u64 = (1..STAGES).map(|stage| feature(spec, stage)).sum();
    let bottom_up = 3 * UNIT + feature(spec, 0) + features;
    // At a level: remaining features, e and its copy, the mixed feature; posterior and prior means, raw scale, symbols.
    let level = (0..LEVELS).map(|level| {
        let stage = Spec::stage_of_level(level);
        features + 3 * feature(spec, stage) + 5 * latent(spec, level)
    });
    // The finest level's latent is the largest of those kept; with all others it is less than twice as large.
    let kept = (0..LEVELS).map(|level| 2 * latent(spec, level)).sum::<u64>();
    bytes(level.fold(bottom_up, u64::max) + kept, pixels)
}

/// One value per pixel, in the fixed-point unit of this module: 1/4096 value (one value per position of stride 64).
const UNIT: u64 = 4096;

fn per_pixel(channels: usize, stage: usize) -> u64 {
    channels as u64 * (UNIT / (STRIDES[stage] * STRIDES[stage]) as u64)
}

fn feature(spec: &Spec, stage: usize) -> u64 {
    per_pixel(spec.widths[stage], stage)
}

fn latent(spec: &Spec, level: usize) -> u64 {
    per_pixel(spec.latents[level], Spec::stage_of_level(level))
}

fn bytes(values: u64, pixels: u64) -> u64 {
    let bytes = u128::from(values) * u128::from(pixels) * 4 / u128::from(UNIT);
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twelve_megapixel_image_fits_a_gigabyte_or_so() {
        let spec = Spec::base();
        for bytes in [decoding(&spec, 12_000_000), encoding(&spec, 12_000_000)] {
            assert!((500_000_000..1_500_000_000).contains(&bytes), "{bytes}");
        }
        assert_eq!(decoding(&spec, u64::MAX), u64::MAX);
    }
}

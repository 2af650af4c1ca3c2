//! Upper estimates of the memory of feature maps, so that a request can be refused before memory is
//! allocated.

use heirloom_format::container::CANVAS_UNIT;

use crate::model::{LATENT_LEVELS, STAGES, STRIDES, Spec};

/// Peak bytes of feature maps while an image of `pixels` padded pixels is decoded. An upper
/// estimate without the buffers that do not grow with the image; saturating.
#[must_use]
pub fn decoding(spec: &Spec, pixels: u64) -> u64 {
    // At a latent level: the features e and r, the output of the merge, prior mean and raw scale,
    // symbols and their tables.
    let level = (0..LATENT_LEVELS).map(|level| {
        let stage = Spec::stage_of_level(level);
        let here = 3 * feature(spec, stage) + 4 * latent(spec, level) + context(spec, level);
        let up = 2 * feature(spec, stage) + feature(spec, stage - 1) + latent(spec, level);
        // Between levels: r going up, the next e, and the finer latent that is being decoded.
        let between = if level + 1 < LATENT_LEVELS {
            2 * feature(spec, stage)
                + 2 * feature(spec, stage - 1)
                + 4 * latent(spec, level + 1)
                + context(spec, level + 1)
        } else {
            0
        };
        here.max(up).max(between)
    });
    // At the end: the feature at stride 4, the image as floats and as bytes; then the linear path's
    // image instead of the feature.
    let end = 4 * UNIT + feature(spec, 0).max(if spec.linear_path { 3 * UNIT } else { 0 });
    bytes(level.fold(end, u64::max) + linear(spec), pixels)
}

/// Peak bytes of feature maps while an image of `pixels` padded pixels is encoded; see
/// [`decoding`].
#[must_use]
pub fn encoding(spec: &Spec, pixels: u64) -> u64 {
    // Bottom-up: the image, and the features of each stage, which are kept.
    let features: u64 = (1..STAGES).map(|stage| feature(spec, stage)).sum();
    let bottom_up = 3 * UNIT + feature(spec, 0) + features;
    // At a latent level: remaining features, e and its copy, the mixed feature; posterior and prior
    // means, raw scale, symbols.
    let level = (0..LATENT_LEVELS).map(|level| {
        let stage = Spec::stage_of_level(level);
        features + 3 * feature(spec, stage) + 5 * latent(spec, level) + context(spec, level)
    });
    // The latents and coded sections that are kept.
    let kept = (0..LATENT_LEVELS).map(|level| 2 * latent(spec, level)).sum::<u64>() + linear(spec);
    bytes(level.fold(bottom_up, u64::max) + kept, pixels)
}

/// Peak bytes of feature maps while a part of `pixels` padded pixels is refined, from the latent level
/// `first` on; see [`decoding`].
#[cfg(feature = "effort")]
#[must_use]
pub fn refining(spec: &Spec, first: usize, pixels: u64) -> u64 {
    // Of each block its input, the normalised input, and twice as many hidden values.
    let block = |stage: usize| 4 * feature(spec, stage) + per_pixel(1, stage);
    let level = (first..LATENT_LEVELS).map(|level| {
        let before = if level > first { spec.entropy_in[level] + spec.reconstruction_in[level] } else { 0 };
        let blocks = before + spec.entropy_out[level] + spec.reconstruction_out[level];
        // Values, rounded values, slopes, moments, the best symbols, prior, latents, and gradients.
        let latents = 14 * latent(spec, level) + context(spec, level);
        blocks as u64 * block(Spec::stage_of_level(level)) + latents + 2 * feature(spec, Spec::stage_of_level(level))
    });
    // The gradient in the last of the blocks at stride 4, and three images.
    let tail = spec.tail_blocks as u64 * block(0) + 4 * feature(spec, 0) + 12 * UNIT;
    bytes(level.sum::<u64>() + tail, pixels)
}

/// One value per pixel, in the fixed-point unit of this module: one value per position of z1.
const UNIT: u64 = (CANVAS_UNIT * CANVAS_UNIT) as u64;

fn per_pixel(channels: usize, stage: usize) -> u64 {
    channels as u64 * (UNIT / (STRIDES[stage] * STRIDES[stage]) as u64)
}

fn feature(spec: &Spec, stage: usize) -> u64 {
    per_pixel(spec.widths[stage], stage)
}

fn latent(spec: &Spec, level: usize) -> u64 {
    per_pixel(spec.latents[level], Spec::stage_of_level(level))
}

/// What a context needs: the prior of the second half, the symbols that it sees before and after its
/// convolution, its hidden features, a correction, and the values of one half in the order of coding.
fn context(spec: &Spec, level: usize) -> u64 {
    match spec.context[level] {
        0 => 0,
        hidden => 2 * per_pixel(hidden, Spec::stage_of_level(level)) + 7 * latent(spec, level),
    }
}

/// What the linear path keeps: the last latent, or what it adds to its posterior mean.
fn linear(spec: &Spec) -> u64 {
    if spec.linear_path { latent(spec, LATENT_LEVELS - 1) } else { 0 }
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

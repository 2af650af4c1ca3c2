//! The symbols of a latent and its section: which are coded first, and under which prior.
//!
//! Where a level has a context, the symbols of the first half of the positions come first, then
//! those of the second, whose prior depends on them.

use crate::network::{EntropyWalk, Prior, dequantise, is_first, quantise};
use heirloom_format::entropy::{EntropyError, SectionDecoder, encode_section, scale_indices};
use heirloom_kernels::Map;

/// Quantises posterior means. Makes the prior, which is that of the first half, the prior of all.
pub(super) fn choose(walk: &EntropyWalk<'_>, posterior_mean: &Map, prior: &mut Prior) -> Vec<i32> {
    let symbols = quantise(posterior_mean, prior);
    if !walk.has_context() {
        return symbols;
    }
    walk.correct(&symbols, prior);
    // The prior of the first half is as it was, and so are its symbols.
    quantise(posterior_mean, prior)
}

/// The section of symbols, under the prior of all of them.
pub(super) fn code(walk: &EntropyWalk<'_>, symbols: &[i32], prior: &Prior) -> Result<Vec<u8>, EntropyError> {
    if !walk.has_context() {
        return encode_section(symbols, &indices(&prior.raw_scale.data));
    }
    let halves = [true, false].map(|first| half(&prior.mean, first));
    let ordered: Vec<i32> =
        halves.iter().flat_map(|half| half.iter().flat_map(|range| &symbols[range.clone()])).copied().collect();
    let raw: Vec<f32> = halves
        .iter()
        .flat_map(|half| half.iter().flat_map(|range| &prior.raw_scale.data[range.clone()]))
        .copied()
        .collect();
    encode_section(&ordered, &indices(&raw))
}

/// The latent of a section. Without a section, and, together with the error, if it cannot be
/// decoded, returns the prior mean.
pub(super) fn decode(walk: &EntropyWalk<'_>, mut prior: Prior, section: Option<&[u8]>) -> (Map, Option<EntropyError>) {
    let mut symbols = vec![0; prior.mean.data.len()];
    match section.map(|section| read(walk, section, &prior, &mut symbols)) {
        Some(Ok(corrected)) => (dequantise(&symbols, corrected.unwrap_or(prior)), None),
        failed => {
            symbols.fill(0);
            walk.correct(&symbols, &mut prior);
            (dequantise(&symbols, prior), failed.and_then(Result::err))
        }
    }
}

/// Reads the symbols of a section. Returns the prior of all of them if it is not that of the first
/// half.
fn read(
    walk: &EntropyWalk<'_>,
    section: &[u8],
    prior: &Prior,
    symbols: &mut [i32],
) -> Result<Option<Prior>, EntropyError> {
    let mut decoder = SectionDecoder::new(section)?;
    if !walk.has_context() {
        decoder.read(&indices(&prior.raw_scale.data), symbols)?;
        return decoder.finish().map(|()| None);
    }
    let mut prior = prior.clone();
    for first in [true, false] {
        let half = half(&prior.mean, first);
        let raw: Vec<f32> = half.iter().flat_map(|range| &prior.raw_scale.data[range.clone()]).copied().collect();
        let mut ordered = vec![0; raw.len()];
        decoder.read(&indices(&raw), &mut ordered)?;
        let mut rest = ordered.as_slice();
        for range in half {
            let (pixel, after) = rest.split_at(range.len());
            symbols[range].copy_from_slice(pixel);
            rest = after;
        }
        if first {
            walk.correct(symbols, &mut prior);
        }
    }
    decoder.finish().map(|()| Some(prior))
}

fn indices(raw_scales: &[f32]) -> Vec<u8> {
    let mut indices = vec![0; raw_scales.len()];
    scale_indices(raw_scales, &mut indices);
    indices
}

/// Where the values of each position of a half lie, in the order of memory.
fn half(map: &Map, first: bool) -> Vec<std::ops::Range<usize>> {
    let positions = (0..map.height).flat_map(|y| (0..map.width).map(move |x| (y, x)));
    let wanted = positions.filter(|&(y, x)| is_first(y, x) == first);
    wanted.map(|(y, x)| (y * map.width + x) * map.channels).map(|at| at..at + map.channels).collect()
}

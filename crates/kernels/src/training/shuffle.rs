//! Space to depth and back: 2×2 pixels to one pixel of four times the channels.

use super::parts::in_parts;

/// Merges every 2×2 pixels into one of four times the channels, in the order (dy, dx, c). Rows have
/// `width` pixels of `channels` values; the width and the number of rows are even.
#[must_use]
pub fn space_to_depth(x: &[f32], width: usize, channels: usize) -> Vec<f32> {
    let pair = 2 * channels;
    let ([out], _) = in_parts([x.len()], [2 * width * channels], |i, [out]| {
        let (above, below) = x[i * out.len()..][..out.len()].split_at(width * channels);
        let pairs = above.chunks_exact(pair).zip(below.chunks_exact(pair));
        for (out, (above, below)) in out.chunks_exact_mut(2 * pair).zip(pairs) {
            out[..pair].copy_from_slice(above);
            out[pair..].copy_from_slice(below);
        }
    });
    out
}

/// The inverse of [`space_to_depth`]: its result has rows of `width` pixels of `channels` values.
#[must_use]
pub fn depth_to_space(x: &[f32], width: usize, channels: usize) -> Vec<f32> {
    let pair = 2 * channels;
    let ([out], _) = in_parts([x.len()], [2 * width * channels], |i, [out]| {
        let x = &x[i * out.len()..][..out.len()];
        let (above, below) = out.split_at_mut(width * channels);
        let pairs = above.chunks_exact_mut(pair).zip(below.chunks_exact_mut(pair));
        for (x, (above, below)) in x.chunks_exact(2 * pair).zip(pairs) {
            above.copy_from_slice(&x[..pair]);
            below.copy_from_slice(&x[pair..]);
        }
    });
    out
}

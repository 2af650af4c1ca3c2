//! Depthwise convolution over a row segment, NHWC.

use super::simd::{Job, Simd};

/// Convolves `n` neighbouring pixels of one output row with a `k`×`k` kernel per channel.
///
/// `rows` are the `k` source rows (top to bottom), each starting at the leftmost tap of the first output, pixels
/// `channels` values apart. Zero padding is literal: whoever calls has laid zeros around the map, so no tap is left
/// out. Each output is `bias + Σ tap·weight`, taps in the order (ky, kx). `weights` is `[k·k, channels]`, `out` is
/// `[n, channels]`, `channels` a multiple of 16.
///
/// # Panics
/// If a slice is too short for these shapes.
#[inline(always)]
pub fn row<S: Simd>(rows: &[&[f32]], channels: usize, weights: &[f32], bias: &[f32], out: &mut [f32], n: usize) {
    if n > 0 {
        S::call(Segment { rows, channels, weights, bias, out, n });
    }
}

/// As [`row`] for several rows of `n` pixels: `taps` are `k` source rows for each, `out` is `[rows, n, channels]`.
///
/// Sixteen channels of all rows come before the next sixteen, so that source rows which neighbouring outputs share are still in
/// the nearest cache. The order of sums within an output is that of [`row`].
///
/// # Panics
/// As [`row`].
#[inline(always)]
#[allow(clippy::too_many_arguments)] // the extents of a convolution
pub fn rows<S: Simd>(
    taps: &[&[f32]],
    k: usize,
    channels: usize,
    weights: &[f32],
    bias: &[f32],
    out: &mut [f32],
    n: usize,
) {
    let whole = matches!(k, 3 | 5 | 7) && S::WIDE && n >= 8;
    for (taps, out) in taps.chunks_exact(k).zip(out.chunks_exact_mut((n * channels).max(1))) {
        if !whole {
            row::<S>(taps, channels, weights, bias, out, n);
        } else if !n.is_multiple_of(8) {
            // The last pixels, which do not fill a tile.
            let done = n / 8 * 8;
            let mut rest: [&[f32]; 7] = [&[]; 7];
            for (rest, tap) in rest.iter_mut().zip(taps) {
                *rest = &tap[done * channels..];
            }
            row::<S>(&rest[..k], channels, weights, bias, &mut out[done * channels..], n - done);
        }
    }
    if whole {
        S::call(Tiles { taps, k, channels, weights, bias, out, n });
    }
}

/// The tiles of eight pixels of several rows.
struct Tiles<'a> {
    taps: &'a [&'a [f32]],
    k: usize,
    channels: usize,
    weights: &'a [f32],
    bias: &'a [f32],
    out: &'a mut [f32],
    n: usize,
}

impl Job for Tiles<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Tiles { taps, k, channels, weights, bias, out, n } = self;
        assert!(channels.is_multiple_of(16) && bias.len() >= channels && weights.len() >= k * k * channels);
        assert!(taps.iter().all(|row| row.len() >= (n + k - 1) * channels));
        macro_rules! slides {
            ($kernel:literal) => {
                for channel in (0..channels).step_by(16) {
                    for (taps, out) in taps.chunks_exact(k).zip(out.chunks_exact_mut(n * channels)) {
                        for first in (0..n / 8 * 8).step_by(8) {
                            // SAFETY: the extents were checked above: first + 8 ≤ n, channel + 16 ≤ channels.
                            unsafe { slide::<S, $kernel>(taps, channels, weights, bias, out, first, channel) };
                        }
                    }
                }
            };
        }
        match k {
            7 => slides!(7),
            5 => slides!(5),
            _ => slides!(3),
        }
    }
}

struct Segment<'a> {
    rows: &'a [&'a [f32]],
    channels: usize,
    weights: &'a [f32],
    bias: &'a [f32],
    out: &'a mut [f32],
    n: usize,
}

impl Job for Segment<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Segment { rows, channels, weights, bias, out, n } = self;
        let k = rows.len();
        assert!(channels.is_multiple_of(16) && bias.len() >= channels && weights.len() >= k * k * channels);
        assert!(out.len() >= n * channels);
        assert!(rows.iter().all(|row| row.len() >= (n + k - 1) * channels));
        let mut first = 0;
        while first < n {
            // SAFETY: the extents were checked above; a tile covers pixels `first..first+P` ≤ n and channels below the end.
            unsafe {
                let mut channel = 0;
                let step = match n - first {
                    8.. if S::WIDE => 8,
                    4.. => 4,
                    _ => 1,
                };
                macro_rules! tiles {
                    ($pixels:literal, $vectors:literal) => {
                        while channel + 16 * $vectors <= channels {
                            tile::<S, $pixels, $vectors>(rows, channels, weights, bias, out, first, channel);
                            channel += 16 * $vectors;
                        }
                    };
                }
                macro_rules! slide {
                    ($kernel:literal) => {
                        while channel < channels {
                            slide::<S, $kernel>(rows, channels, weights, bias, out, first, channel);
                            channel += 16;
                        }
                    };
                }
                match step {
                    8 => match k {
                        7 => slide!(7),
                        5 => slide!(5),
                        3 => slide!(3),
                        _ => tiles!(8, 1),
                    },
                    4 => {
                        if S::WIDE {
                            tiles!(4, 2);
                        }
                        tiles!(4, 1);
                    }
                    _ => {
                        tiles!(1, 4);
                        tiles!(1, 1);
                    }
                }
                first += step;
            }
        }
    }
}

/// Eight pixels × 16 channels for kernels of side `K`: each value of a row is loaded once and meets all its taps, which
/// stay in registers. For one output the taps still come in ascending order.
///
/// # Safety
/// As for [`tile`], with 8 pixels.
#[inline(always)]
unsafe fn slide<S: Simd, const K: usize>(
    rows: &[&[f32]],
    channels: usize,
    weights: &[f32],
    bias: &[f32],
    out: &mut [f32],
    first: usize,
    channel: usize,
) {
    unsafe {
        let mut acc = [S::load_ptr(bias.as_ptr().add(channel)); 8];
        let mut w = weights.as_ptr().add(channel);
        for row in rows {
            let mut taps = [S::splat(0.0); K];
            for tap in &mut taps {
                *tap = S::load_ptr(w);
                w = w.wrapping_add(channels);
            }
            let mut x = row.as_ptr().add(first * channels + channel);
            macro_rules! values {
                ($($j:literal)*) => {$(
                    if $j < K + 7 {
                        let value = S::load_ptr(x);
                        x = x.wrapping_add(channels);
                        values!(@ $j value 0 1 2 3 4 5 6 7);
                    }
                )*};
                (@ $j:literal $value:ident $($p:literal)*) => {$(
                    if $j >= $p && $j - $p < K {
                        acc[$p] = S::mul_add($value, taps[usize::wrapping_sub($j, $p) % K], acc[$p]);
                    }
                )*};
            }
            values!(0 1 2 3 4 5 6 7 8 9 10 11 12 13);
        }
        let out = out.as_mut_ptr().add(first * channels + channel);
        for (p, &v) in acc.iter().enumerate() {
            S::store_ptr(v, out.add(p * channels));
        }
    }
}

/// `P` pixels × `16·N` channels in registers.
///
/// # Safety
/// Pixels `first..first+P` and channels `channel..channel+16·N` are within the extents checked by [`row`].
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn tile<S: Simd, const P: usize, const N: usize>(
    rows: &[&[f32]],
    channels: usize,
    weights: &[f32],
    bias: &[f32],
    out: &mut [f32],
    first: usize,
    channel: usize,
) {
    unsafe {
        let mut acc = [[S::splat(0.0); N]; P];
        for j in 0..N {
            let b = S::load_ptr(bias.as_ptr().add(channel + 16 * j));
            for acc in &mut acc {
                acc[j] = b;
            }
        }
        let mut w = weights.as_ptr().add(channel);
        for row in rows {
            let mut x = row.as_ptr().add(first * channels + channel);
            for _ in 0..rows.len() {
                let mut taps = [S::splat(0.0); N];
                for (j, tap) in taps.iter_mut().enumerate() {
                    *tap = S::load_ptr(w.add(16 * j));
                }
                for (p, acc) in acc.iter_mut().enumerate() {
                    for (j, acc) in acc.iter_mut().enumerate() {
                        *acc = S::mul_add(S::load_ptr(x.add(p * channels + 16 * j)), taps[j], *acc);
                    }
                }
                x = x.wrapping_add(channels);
                w = w.wrapping_add(channels);
            }
        }
        let out = out.as_mut_ptr().add(first * channels + channel);
        for (p, acc) in acc.iter().enumerate() {
            for (j, &v) in acc.iter().enumerate() {
                S::store_ptr(v, out.add(p * channels + 16 * j));
            }
        }
    }
}

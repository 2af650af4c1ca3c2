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
    self::rows::<S>(rows, rows.len(), channels, weights, bias, out, n);
}

/// As [`row`] for several rows of `n` pixels: `taps` are `k` source rows for each, `out` is `[rows, n, channels]`.
///
/// Sixteen channels of all rows come before the next sixteen, so that source rows which neighbouring outputs share are still in
/// the nearest cache.
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
    if n == 0 {
        return;
    }
    assert!(channels.is_multiple_of(16) && bias.len() >= channels && weights.len() >= k * k * channels);
    assert!(taps.iter().all(|row| row.len() >= (n + k - 1) * channels) && out.len() >= taps.len() / k * n * channels);
    // Pixels that fill whole tiles of the fast way, which is compiled for wide instruction sets alone.
    let mut done = 0;
    if S::WIDE && matches!(k, 3 | 5 | 7) && n >= 8 {
        done = n / 8 * 8;
        S::call(Slides { taps, k, channels, weights, bias, out, n, done });
    }
    if done < n {
        for (taps, out) in taps.chunks_exact(k).zip(out.chunks_exact_mut(n * channels)) {
            S::call(Rest { taps, channels, weights, bias, out, done, n });
        }
    }
}

/// The first `done` pixels of each row, a multiple of eight. Extents are checked by [`rows`].
struct Slides<'a> {
    taps: &'a [&'a [f32]],
    k: usize,
    channels: usize,
    weights: &'a [f32],
    bias: &'a [f32],
    out: &'a mut [f32],
    n: usize,
    done: usize,
}

impl Job for Slides<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Slides { taps, k, channels, weights, bias, out, n, done } = self;
        macro_rules! slides {
            ($kernel:literal) => {
                for channel in (0..channels).step_by(16) {
                    for (taps, out) in taps.chunks_exact(k).zip(out.chunks_exact_mut(n * channels)) {
                        for first in (0..done).step_by(8) {
                            // SAFETY: first + 8 ≤ done ≤ n and channel + 16 ≤ channels; `rows` has checked the slices.
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

/// Pixels `done..n` of one row. Extents are checked by [`rows`].
struct Rest<'a> {
    taps: &'a [&'a [f32]],
    channels: usize,
    weights: &'a [f32],
    bias: &'a [f32],
    out: &'a mut [f32],
    done: usize,
    n: usize,
}

impl Job for Rest<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Rest { taps, channels, weights, bias, out, done, n } = self;
        let mut first = done;
        while first < n {
            // SAFETY: a tile covers pixels `first..first+P` ≤ n and channels below the end; `rows` has checked the slices.
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
                            tile::<S, $pixels, $vectors>(taps, channels, weights, bias, out, first, channel);
                            channel += 16 * $vectors;
                        }
                    };
                }
                match step {
                    8 => tiles!(8, 1),
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
/// Pixels `first..first+P` and channels `channel..channel+16·N` are within the extents checked by [`rows`].
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Isa, run_fused};

    struct Convolution<'a> {
        taps: &'a [&'a [f32]],
        k: usize,
        channels: usize,
        weights: &'a [f32],
        n: usize,
    }

    impl Job for Convolution<'_> {
        type Output = Vec<f32>;
        #[inline(always)]
        fn run<S: Simd>(self) -> Vec<f32> {
            let Convolution { taps, k, channels, weights, n } = self;
            let mut out = vec![0.0; taps.len() / k * n * channels];
            rows::<S>(taps, k, channels, weights, &weights[..channels], &mut out, n);
            out
        }
    }

    #[test]
    fn an_output_is_the_plain_sum_of_its_taps_in_order() {
        let (channels, count) = (48, 3);
        for k in [1, 3, 5, 7, 9] {
            for n in [1, 7, 8, 12, 16, 19] {
                let width = (n + k - 1) * channels;
                let map: Vec<f32> = (0..(count + k - 1) * width).map(|i| (i as f32 * 0.37).sin()).collect();
                let weights: Vec<f32> = (0..k * k * channels).map(|i| (i as f32 * 0.71).cos()).collect();
                let want: Vec<f32> = (0..count * n * channels)
                    .map(|i| {
                        let (y, x) = (i / (n * channels), i % (n * channels));
                        (0..k * k).fold(weights[i % channels], |sum, tap| {
                            let value = map[(y + tap / k) * width + x + tap % k * channels];
                            value.mul_add(weights[tap * channels + i % channels], sum)
                        })
                    })
                    .collect();
                let source: Vec<&[f32]> = map.chunks_exact(width).collect();
                let taps: Vec<&[f32]> = (0..count).flat_map(|y| source[y..y + k].iter().copied()).collect();
                for isa in Isa::available() {
                    let job = Convolution { taps: &taps, k, channels, weights: &weights, n };
                    assert!(run_fused(isa, job) == want, "kernel {k}, {n} pixels, {isa:?}");
                }
            }
        }
    }
}

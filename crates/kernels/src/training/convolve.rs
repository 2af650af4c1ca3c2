//! Depthwise convolution over a row segment, NHWC.

use crate::extent::reach;
use crate::simd::{Job, Simd};

/// Convolves `n` neighbouring pixels of one output row with a `k`×`k` kernel per channel.
///
/// `taps` are the `k` source rows (top to bottom), each from the leftmost tap of the first output
/// on, pixels `channels` values apart. Padding is literal: the caller has put zeros around the map,
/// so no tap is left out. Each output is `bias + Σ tap·weight`, taps in the order (ky, kx).
/// `weights` is `[k·k, channels]`, `out` is `[n, channels]`, `channels` a multiple of 16.
///
/// # Panics
/// If a slice is too short for these shapes.
#[inline(always)]
pub fn row<S: Simd>(taps: &[&[f32]], channels: usize, weights: &[f32], bias: &[f32], out: &mut [f32], n: usize) {
    rows::<S>(taps, taps.len(), channels, weights, bias, out, n);
}

/// Like [`row`] for several rows of `n` pixels: `taps` are `k` source rows for each, `out` is
/// `[rows, n, channels]`.
///
/// Sixteen channels of all rows come before the next sixteen, so that source rows which
/// neighbouring outputs share are still in the nearest cache.
///
/// # Panics
/// If a slice is too short for these shapes.
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
    check(taps, k, channels, weights, bias, out, n);
    // Pixels that fill whole tiles of the fast kernel, which is compiled for wide registers only.
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

/// Panics unless the slices have room for the extents, so that the loops below need no checks.
fn check(taps: &[&[f32]], k: usize, channels: usize, weights: &[f32], bias: &[f32], out: &[f32], n: usize) {
    assert!(k > 0 && channels > 0 && channels.is_multiple_of(16), "channels are not a multiple of 16");
    assert!(bias.len() >= channels, "bias too short");
    let all = k.checked_mul(k).and_then(|taps| taps.checked_mul(channels));
    assert!(all.is_some_and(|all| weights.len() >= all), "weights too short");
    let row = reach([(n, channels), (k, channels)], channels);
    for tap in taps {
        assert!(tap.len() >= row, "source row too short");
    }
    let rows = n.checked_mul(channels).and_then(|row| row.checked_mul(taps.len() / k));
    assert!(rows.is_some_and(|rows| out.len() >= rows), "output too short");
}

/// The first `done` pixels of each row, a multiple of eight. The caller has called [`check`].
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
                            // SAFETY: first + 8 ≤ done ≤ n, channel + 16 ≤ channels, and
                            // `check` has passed.
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

/// Pixels `done..n` of one row. The caller has called [`check`].
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
            // SAFETY: a tile covers pixels `first..first + P` ≤ n and channels below the end, and
            // `check` has passed.
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

/// Eight pixels × 16 channels for kernels of side `K`: each value of a row is loaded once and
/// multiplied by all its taps, which stay in registers. For each output the taps still come in
/// ascending order.
///
/// # Safety
/// [`check`] has passed with `rows` as taps and k = `K`; pixels `first..first + 8` are below n, and
/// channels `channel..channel + 16` are below `channels`.
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
    // SAFETY: all accesses lie in the extents that `check` has found to be within the slices, for
    // the pixels and channels that the caller promises.
    unsafe {
        let mut acc = [S::load_ptr(bias.as_ptr().add(channel)); 8];
        let mut w = weights.as_ptr().add(channel);
        for row in rows {
            let mut taps = [S::splat(0.0); K];
            for kx in 0..K {
                taps[kx] = S::load_ptr(w);
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
        for p in 0..8 {
            S::store_ptr(acc[p], out.add(p * channels));
        }
    }
}

/// `P` pixels × `16·N` channels in registers.
///
/// # Safety
/// [`check`] has passed with `rows` as taps; pixels `first..first + P` are below n, and channels
/// `channel..channel + 16·N` are below `channels`.
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
    // SAFETY: all accesses lie in the extents that `check` has found to be within the slices, for
    // the pixels and channels that the caller promises.
    unsafe {
        let mut acc = [[S::splat(0.0); N]; P];
        for j in 0..N {
            let b = S::load_ptr(bias.as_ptr().add(channel + 16 * j));
            for p in 0..P {
                acc[p][j] = b;
            }
        }
        let mut w = weights.as_ptr().add(channel);
        for row in rows {
            let mut x = row.as_ptr().add(first * channels + channel);
            for _ in 0..rows.len() {
                let mut taps = [S::splat(0.0); N];
                for j in 0..N {
                    taps[j] = S::load_ptr(w.add(16 * j));
                }
                for p in 0..P {
                    for j in 0..N {
                        acc[p][j] = S::mul_add(S::load_ptr(x.add(p * channels + 16 * j)), taps[j], acc[p][j]);
                    }
                }
                x = x.wrapping_add(channels);
                w = w.wrapping_add(channels);
            }
        }
        let out = out.as_mut_ptr().add(first * channels + channel);
        for p in 0..P {
            for j in 0..N {
                S::store_ptr(acc[p][j], out.add(p * channels + 16 * j));
            }
        }
    }
}

#[cfg(test)]
mod portable {
    use super::*;
    use crate::simd::{Engine, Isa, Scalar};

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
        let (channels, count) = (if cfg!(miri) { 16 } else { 48 }, 3);
        for k in [1, 3, 5, 7, 9] {
            for n in if cfg!(miri) { vec![1, 12] } else { vec![1, 7, 8, 12, 16, 19] } {
                let width = (n + k - 1) * channels;
                let map: Vec<f32> = (0..(count + k - 1) * width).map(|i| (i as f32 * 0.37).sin()).collect();
                let weights: Vec<f32> = (0..k * k * channels).map(|i| (i as f32 * 0.71).cos()).collect();
                let want: Vec<f32> = (0..count * n * channels)
                    .map(|i| {
                        let (y, x) = (i / (n * channels), i % (n * channels));
                        (0..k * k).fold(weights[i % channels], |sum, tap| {
                            let value = map[(y + tap / k) * width + x + tap % k * channels];
                            value * weights[tap * channels + i % channels] + sum
                        })
                    })
                    .collect();
                let source: Vec<&[f32]> = map.chunks_exact(width).collect();
                let taps: Vec<&[f32]> = (0..count).flat_map(|y| source[y..y + k].iter().copied()).collect();
                for isa in Isa::available() {
                    let job = Convolution { taps: &taps, k, channels, weights: &weights, n };
                    assert!(Engine::at(isa).unwrap().run(job) == want, "kernel {k}, {n} pixels, {isa:?}");
                }
                let job = Convolution { taps: &taps, k, channels, weights: &weights, n };
                assert!(job.run::<Scalar<false, true>>() == want, "kernel {k}, {n} pixels, wide tiles");
            }
        }
    }

    /// Extents whose products are small modulo 2⁶⁴ must not pass for small ones.
    #[test]
    fn extents_that_overflow_are_refused() {
        let (row, weights) = (vec![0.0; 64], vec![0.0; 9 * 16]);
        let taps: Vec<&[f32]> = vec![&row; 3];
        let refused = |channels: usize, n: usize| {
            let call = || Engine::default().run(Unchecked { taps: &taps, channels, weights: &weights, n });
            assert!(std::panic::catch_unwind(call).is_err(), "{channels} channels, {n} pixels");
        };
        refused(16, usize::MAX / 16 + 2);
        refused(16, usize::MAX);
        refused(1 << 60, 1);
        refused(16, 3);
    }

    struct Unchecked<'a> {
        taps: &'a [&'a [f32]],
        channels: usize,
        weights: &'a [f32],
        n: usize,
    }

    impl Job for Unchecked<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self) {
            let Unchecked { taps, channels, weights, n } = self;
            rows::<S>(taps, 3, channels, weights, &weights[..16], &mut [0.0; 64], n);
        }
    }
}

//! Zero padding of batches and the weight gradient of the depthwise convolution.

use super::parts::{AlignedVec, in_aligned_parts};
use crate::extent::reach;
use crate::simd::Simd;

/// A batch of maps `[batch, height, width, channels]`, read with zeros around each map.
pub struct Padded {
    data: AlignedVec,
    height: usize,
    row: usize,
    radius: usize,
}

/// Padded rows that one task copies.
const TASK_ROWS: usize = 8;

impl Padded {
    /// Copies `x` into a batch with `radius` zero pixels on each side of each map.
    pub fn new(x: &[f32], height: usize, width: usize, channels: usize, radius: usize) -> Padded {
        let (inner, row) = (width * channels, (width + 2 * radius) * channels);
        let images = x.len() / (height * inner);
        let rows = height + 2 * radius;
        let ([data], _) = in_aligned_parts([images * rows * row], [TASK_ROWS * row], |task, [padded]| {
            for (index, padded) in (task * TASK_ROWS..).zip(padded.chunks_exact_mut(row)) {
                let (image, y) = (index / rows, index % rows);
                if (radius..radius + height).contains(&y) {
                    let source = &x[(image * height + y - radius) * inner..][..inner];
                    padded[radius * channels..][..inner].copy_from_slice(source);
                }
            }
        });
        Padded { data, height, row, radius }
    }

    /// The values, zeros included.
    pub fn values(&self) -> &[f32] {
        &self.data
    }

    /// The rows under a kernel of side `2·radius + 1` that is centred on each of `count` rows of
    /// the whole batch, from `first` on.
    pub fn taps(&self, first: usize, count: usize) -> Vec<&[f32]> {
        let side = 2 * self.radius + 1;
        let mut taps = Vec::with_capacity(count * side);
        for index in first..first + count {
            let (image, y) = (index / self.height, index % self.height);
            let top = (image * (self.height + 2 * self.radius) + y) * self.row;
            taps.extend((0..side).map(|ky| &self.data[top + ky * self.row..][..self.row]));
        }
        taps
    }
}

/// Adds some output rows' share to the weight gradient `[k·k, channels]`: Σ over pixels of input
/// tap × gradient. `taps` are `k` padded input rows for each row of `gradient`,
/// `[rows, width, channels]`, channels a multiple of 16.
///
/// # Panics
/// If a slice does not have these shapes.
#[inline(always)]
pub(super) fn weight_gradient<S: Simd>(
    taps: &[&[f32]],
    k: usize,
    gradient: &[f32],
    width: usize,
    channels: usize,
    out: &mut [f32],
) {
    check(taps, k, gradient, width, channels, out);
    // SAFETY: `check` has passed, and `k` is a multiple of the number of taps.
    unsafe {
        match k {
            3 => taps_of::<S, 3>(taps, k, gradient, width, channels, out),
            5 => taps_of::<S, 5>(taps, k, gradient, width, channels, out),
            7 => taps_of::<S, 7>(taps, k, gradient, width, channels, out),
            _ => taps_of::<S, 1>(taps, k, gradient, width, channels, out),
        }
    }
}

/// Panics unless the slices have the shapes, so that the loops below need no checks.
fn check(taps: &[&[f32]], k: usize, gradient: &[f32], width: usize, channels: usize, out: &[f32]) {
    assert!(k > 0 && width > 0 && channels > 0 && channels.is_multiple_of(16), "channels are not a multiple of 16");
    let weights = k.checked_mul(k).and_then(|taps| taps.checked_mul(channels));
    assert_eq!(weights, Some(out.len()), "not a gradient of the weight");
    let row = width.checked_mul(channels);
    assert!(taps.len().is_multiple_of(k), "not {k} source rows for each row");
    assert_eq!(row.and_then(|row| row.checked_mul(taps.len() / k)), Some(gradient.len()), "not a gradient of the rows");
    let padded = reach([(width, channels), (k, channels)], channels);
    for tap in taps {
        assert!(tap.len() >= padded, "source row too short");
    }
}

/// `N` horizontal taps at a time stay in registers over all rows, and what sixteen channels need of
/// them stays in the nearest cache over all taps.
///
/// # Safety
/// [`check`] has passed for the arguments, and `k` is a multiple of `N`.
#[inline(always)]
unsafe fn taps_of<S: Simd, const N: usize>(
    taps: &[&[f32]],
    k: usize,
    gradient: &[f32],
    width: usize,
    channels: usize,
    out: &mut [f32],
) {
    let rows = taps.len() / k;
    for channel in (0..channels).step_by(16) {
        for ky in 0..k {
            for kx in (0..k).step_by(N) {
                // SAFETY: kx + N ≤ k, channel + 16 ≤ channels and x < width, so all accesses lie in
                // the extents that `check` has found to be within the slices.
                unsafe {
                    let out = out.as_mut_ptr().add((ky * k + kx) * channels + channel);
                    let mut acc = [S::splat(0.0); N];
                    for n in 0..N {
                        acc[n] = S::load_ptr(out.add(n * channels));
                    }
                    for row in 0..rows {
                        let mut x = taps[row * k + ky].as_ptr().add(kx * channels + channel);
                        let mut g = gradient.as_ptr().add(row * width * channels + channel);
                        for _ in 0..width {
                            let gradient = S::load_ptr(g);
                            for n in 0..N {
                                acc[n] = S::mul_add(gradient, S::load_ptr(x.add(n * channels)), acc[n]);
                            }
                            // Beyond the slices after the last pixel, where nothing is read.
                            x = x.wrapping_add(channels);
                            g = g.wrapping_add(channels);
                        }
                    }
                    for n in 0..N {
                        S::store_ptr(acc[n], out.add(n * channels));
                    }
                }
            }
        }
    }
}

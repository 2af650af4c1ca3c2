//! Zero padding of batches and the weight gradient of the depthwise convolution.

use heirloom_kernels::Simd;

use super::parts::{AlignedVec, in_aligned_parts};

/// A batch of maps `[batch, height, width, channels]`, read with zeros around each map.
pub struct Padded {
    pub data: AlignedVec,
    pub height: usize,
    pub row: usize,
    pub radius: usize,
}

impl Padded {
    /// Copies `x` into a batch with `radius` zero pixels on each side of each map.
    pub fn new(x: &[f32], height: usize, width: usize, channels: usize, radius: usize) -> Padded {
        let (inner, row) = (width * channels, (width + 2 * radius) * channels);
        let images = x.len() / (height * inner);
        let map = (height + 2 * radius) * row;
        let ([data], _) = in_aligned_parts([images * map], [map], |image, [padded]| {
            let source = x[image * height * inner..][..height * inner].chunks_exact(inner);
            for (padded, source) in padded.chunks_exact_mut(row).skip(radius).zip(source) {
                padded[radius * channels..][..inner].copy_from_slice(source);
            }
        });
        Padded { data, height, row, radius }
    }

    /// For each of `count` rows of the whole batch from `first` on, the rows under a kernel of side `2·radius + 1` centred on
    /// it.
    #[inline(always)]
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

/// Adds some output rows' share to the weight gradient `[k·k, channels]`: Σ over pixels of input tap × gradient.
/// `taps` are `k` padded input rows for each row of `gradient`, `[rows, width, channels]`, channels a multiple of 16.
#[inline(always)]
pub fn weight_gradient<S: Simd>(
    taps: &[&[f32]],
    k: usize,
    gradient: &[f32],
    width: usize,
    channels: usize,
    out: &mut [f32],
) {
    match k {
        3 => taps_of::<S, 3>(taps, k, gradient, width, channels, out),
        5 => taps_of::<S, 5>(taps, k, gradient, width, channels, out),
        7 => taps_of::<S, 7>(taps, k, gradient, width, channels, out),
        _ => taps_of::<S, 1>(taps, k, gradient, width, channels, out),
    }
}

/// `N` horizontal taps at a time stay in registers over all rows, and what sixteen channels need of them in the nearest
/// cache over all taps.
#[inline(always)]
fn taps_of<S: Simd, const N: usize>(
    taps: &[&[f32]],
    k: usize,
    gradient: &[f32],
    width: usize,
    channels: usize,
    out: &mut [f32],
) {
    assert!(channels.is_multiple_of(16) && k.is_multiple_of(N) && out.len() == k * k * channels);
    assert!(gradient.len() * k == taps.len() * width * channels);
    assert!(taps.iter().all(|row| row.len() >= (width + k - 1) * channels));
    for channel in (0..channels).step_by(16) {
        for ky in 0..k {
            for kx in (0..k).step_by(N) {
                // SAFETY: the extents were checked above: kx + N ≤ k, channel + 16 ≤ channels, x < width.
                unsafe {
                    let out = out.as_mut_ptr().add((ky * k + kx) * channels + channel);
                    let mut acc = [S::splat(0.0); N];
                    for (n, acc) in acc.iter_mut().enumerate() {
                        *acc = S::load_ptr(out.add(n * channels));
                    }
                    let rows = taps.chunks_exact(k).zip(gradient.chunks_exact(width * channels));
                    for (taps, gradient) in rows {
                        let mut x = taps[ky].as_ptr().add(kx * channels + channel);
                        let mut g = gradient.as_ptr().add(channel);
                        for _ in 0..width {
                            let gradient = S::load_ptr(g);
                            for (n, acc) in acc.iter_mut().enumerate() {
                                *acc = S::mul_add(gradient, S::load_ptr(x.add(n * channels)), *acc);
                            }
                            x = x.wrapping_add(channels);
                            g = g.wrapping_add(channels);
                        }
                    }
                    for (n, &acc) in acc.iter().enumerate() {
                        S::store_ptr(acc, out.add(n * channels));
                    }
                }
            }
        }
    }
}

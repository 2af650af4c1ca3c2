//! Depthwise convolution of integers, NHWC.
//!
//! Source rows are stored as pairs of horizontal neighbours, (q[x], q[x + 1]) in 32 bits for each
//! channel, so that one instruction multiplies and adds two taps. The last tap of an odd kernel is
//! paired with a weight of zero.

use super::input::Input;
use super::linear::{WeightError, check_sums};
use crate::aligned::Aligned;
use crate::extent::reach;
use crate::simd::{Job, Simd};

/// Weights of a depthwise convolution with a `k`×`k` kernel.
#[derive(Clone, Debug)]
pub struct Depthwise {
    kernel: usize,
    channels: usize,
    /// `[k, ⌈k/2⌉, channels]` pairs.
    weight: Aligned<i32>,
    gain: Vec<f32>,
    bias: Vec<f32>,
    input: Input,
}

impl Depthwise {
    /// Packs a `[k·k, channels]` weight, rows ordered (ky, kx), and gains and biases of the
    /// channels.
    ///
    /// # Errors
    /// Slices of wrong length, an even kernel, channels that are not a multiple of 16, or a channel
    /// whose sum could exceed 32 bits.
    pub fn new(
        kernel: usize,
        channels: usize,
        weight: &[i8],
        gain: &[f32],
        bias: &[f32],
        input: Input,
    ) -> Result<Depthwise, WeightError> {
        let unusable = kernel.is_multiple_of(2)
            || !channels.is_multiple_of(16)
            || channels == 0
            || Some(weight.len()) != kernel.checked_mul(kernel).and_then(|taps| taps.checked_mul(channels))
            || gain.len() != channels
            || bias.len() != channels;
        if unusable {
            return Err(WeightError::Length);
        }
        check_sums(weight, channels, &input)?;
        let pairs = kernel.div_ceil(2);
        let mut packed = Aligned::zeros(kernel * pairs * channels);
        for (i, pair) in packed.iter_mut().enumerate() {
            let (tap, c) = (i / channels, i % channels);
            let (ky, kx) = (tap / pairs, tap % pairs * 2);
            let at = |kx: usize| if kx < kernel { i16::from(weight[(ky * kernel + kx) * channels + c]) } else { 0 };
            *pair = pair_of(at(kx), at(kx + 1));
        }
        Ok(Depthwise { kernel, channels, weight: packed, gain: gain.to_vec(), bias: bias.to_vec(), input })
    }

    /// Side of the kernel.
    pub fn kernel(&self) -> usize {
        self.kernel
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// How the input becomes integers.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Pixels of padding on each side of a map.
    pub(crate) fn radius(&self) -> usize {
        self.kernel / 2
    }

    /// Values of a source row for `width` outputs: a pixel for each output, and `k − 1` of padding.
    pub(crate) fn row_length(&self, width: usize) -> usize {
        (width + self.kernel - 1) * self.channels
    }

    /// Convolves `n` neighbouring pixels of one output row. `taps` are the `k` source rows, top to
    /// bottom, each from the leftmost tap of the first output on. Outputs are sum·gain + bias,
    /// `[n, channels]`.
    ///
    /// # Panics
    /// If a slice is too short.
    #[inline(always)]
    pub(crate) fn row<S: Simd>(&self, taps: &TapRows<'_>, out: &mut [f32], n: usize) {
        let (k, channels) = (self.kernel, self.channels);
        assert!(taps.len() == k && self.weight.len() == k * k.div_ceil(2) * channels);
        let needed = reach([(n, channels), (k, channels)], channels);
        assert!(taps.iter().all(|tap| tap.len() >= needed), "source row too short");
        assert!(n.checked_mul(channels).is_some_and(|values| values <= out.len()), "output too short");
        S::call(Row { depthwise: self, taps, out, n });
    }
}

/// Source rows of one output row.
pub(crate) type TapRows<'a> = [&'a [i32]];

/// Two 16-bit values in 32 bits, the first first in memory.
fn pair_of(first: i16, second: i16) -> i32 {
    let ([a, b], [c, d]) = (first.to_ne_bytes(), second.to_ne_bytes());
    i32::from_ne_bytes([a, b, c, d])
}

/// One output row. [`Depthwise::row`] has checked all extents.
struct Row<'a> {
    depthwise: &'a Depthwise,
    taps: &'a TapRows<'a>,
    out: &'a mut [f32],
    n: usize,
}

impl Job for Row<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self) {
        for channel in (0..self.depthwise.channels).step_by(16) {
            let mut first = 0;
            while first < self.n {
                // SAFETY: pixels `first..first + P` are below n, and channels are a multiple of 16.
                unsafe {
                    match self.n - first {
                        8.. if S::WIDE => {
                            self.tile::<S, 8>(first, channel);
                            first += 8;
                        }
                        4.. if !S::NARROW => {
                            self.tile::<S, 4>(first, channel);
                            first += 4;
                        }
                        2.. if S::NARROW => {
                            self.tile::<S, 2>(first, channel);
                            first += 2;
                        }
                        _ => {
                            self.tile::<S, 1>(first, channel);
                            first += 1;
                        }
                    }
                }
            }
        }
    }
}

impl Row<'_> {
    /// `P` pixels × 16 channels.
    ///
    /// # Safety
    /// [`Depthwise::row`] has checked the extents; pixels `first..first + P` are below n, and
    /// channels `channel..channel + 16` exist.
    #[inline(always)]
    unsafe fn tile<S: Simd, const P: usize>(&mut self, first: usize, channel: usize) {
        let Row { depthwise, taps, .. } = *self;
        let (k, channels) = (depthwise.kernel, depthwise.channels);
        let mut sums = [S::splat_int(0); P];
        // SAFETY: all accesses lie in the extents that were checked, for the pixels and channels
        // that the caller promises.
        unsafe {
            let mut w = depthwise.weight.as_ptr().add(channel);
            for tap in taps {
                let mut x = tap.as_ptr().add(first * channels + channel);
                for _ in 0..k.div_ceil(2) {
                    let weights = S::load_int(w);
                    for p in 0..P {
                        sums[p] = S::dot(sums[p], S::load_int(x.add(p * channels)), weights);
                    }
                    // Beyond the slices after the last pair, where nothing is read.
                    w = w.wrapping_add(channels);
                    x = x.wrapping_add(2 * channels);
                }
            }
            let gain = S::load_ptr(depthwise.gain.as_ptr().add(channel));
            let bias = S::load_ptr(depthwise.bias.as_ptr().add(channel));
            let out = self.out.as_mut_ptr().add(first * channels + channel);
            for p in 0..P {
                S::store_ptr(S::add(S::mul(S::to_float(sums[p]), gain), bias), out.add(p * channels));
            }
        }
    }
}

/// How many pixels of a row are turned into pairs at a time.
const PART: usize = 4;

/// A row of a map as pairs, with padding.
pub(crate) struct PairRow<'a> {
    pub input: &'a Input,
    pub channels: usize,
    /// Pixels of padding on each side.
    pub radius: usize,
    /// The pairs, [`Depthwise::row_length`] of them.
    pub out: &'a mut [i32],
}

impl PairRow<'_> {
    /// Quantises a row of pixels, or writes zeros where the map has none.
    ///
    /// # Panics
    /// If the row does not fill `out` with the padding.
    #[inline(always)]
    pub fn fill<S: Simd>(self, source: Option<&[f32]>) {
        let PairRow { input, channels: c, radius, out } = self;
        let Some(source) = source else { return out.fill(0) };
        let width = source.len() / c;
        assert!(c.is_multiple_of(16) && out.len() == (width + 2 * radius) * c && source.len() == width * c);
        let quantiser = input.quantiser::<S>();
        // Pair x holds pixels x − radius and x − radius + 1. Those at the margins see one pixel or
        // none.
        let first = radius.saturating_sub(1);
        out[..first * c].fill(0);
        out[(radius + width) * c..].fill(0);
        // Some pixels at a time, so that memory is read from beginning to end.
        for part in (0..width).step_by(PART) {
            for channel in (0..c).step_by(16) {
                let mut left = S::splat_int(0);
                if part > 0 {
                    left = quantiser.integers(S::load(vector(&source[(part - 1) * c + channel..])));
                }
                for x in part..width.min(part + PART) {
                    let right = quantiser.integers(S::load(vector(&source[x * c + channel..])));
                    if x + radius > 0 {
                        let at = (x + radius - 1) * c + channel;
                        // SAFETY: the slice is 16 values long.
                        unsafe { S::store_int(S::pairs(left, right), out[at..at + 16].as_mut_ptr()) }
                    }
                    left = right;
                }
                if part + PART >= width {
                    let at = (width + radius - 1) * c + channel;
                    // SAFETY: as above.
                    unsafe { S::store_int(S::pairs(left, S::splat_int(0)), out[at..at + 16].as_mut_ptr()) }
                }
            }
        }
        input.observe_pairs(out);
    }
}

/// The first 16 values.
#[inline(always)]
fn vector(values: &[f32]) -> &[f32; 16] {
    match values.first_chunk() {
        Some(vector) => vector,
        None => unreachable!("channels are a multiple of 16"),
    }
}

#[cfg(test)]
mod portable {
    use super::super::Bits;
    use super::*;
    use crate::simd::{Engine, Isa, Scalar};
    use crate::testing::{integers, numbers};

    struct Convolution<'a> {
        depthwise: &'a Depthwise,
        rows: &'a [f32],
        width: usize,
    }

    impl Job for Convolution<'_> {
        type Output = Vec<f32>;
        #[inline(always)]
        fn run<S: Simd>(self) -> Vec<f32> {
            let Convolution { depthwise, rows, width } = self;
            let (c, k) = (depthwise.channels, depthwise.kernel);
            let pairs: Vec<Vec<i32>> = rows
                .chunks_exact(width * c)
                .map(|row| {
                    let mut out = vec![1; depthwise.row_length(width)];
                    PairRow { input: &depthwise.input, channels: c, radius: k / 2, out: &mut out }.fill::<S>(Some(row));
                    out
                })
                .collect();
            let taps: Vec<&[i32]> = pairs.iter().map(Vec::as_slice).collect();
            let mut out = vec![0.0; width * c];
            depthwise.row::<S>(&taps, &mut out, width);
            out
        }
    }

    #[test]
    fn an_output_is_the_plain_sum_of_its_taps() {
        let channels = if cfg!(miri) { 16 } else { 48 };
        for k in [1, 3, 5, 7, 9] {
            for width in if cfg!(miri) { vec![1, 12] } else { vec![1, 2, 7, 8, 12, 19] } {
                let rows: Vec<f32> = numbers(k * width * channels, 1).iter().map(|x| 12.0 * x).collect();
                let weight: Vec<i8> = integers(k * k * channels, 127, 2).iter().map(|&w| w as i8).collect();
                let gain: Vec<f32> = (0..channels).map(|c| 1e-5 * (c + 1) as f32).collect();
                let bias = numbers(channels, 3);
                let input = Input::new(3000.0, Bits::Sixteen);
                let depthwise = Depthwise::new(k, channels, &weight, &gain, &bias, input).unwrap();
                let q: Vec<i32> =
                    rows.iter().map(|x| (x * 3000.0).clamp(-32_767.0, 32_767.0).round_ties_even() as i32).collect();
                let want: Vec<f32> = (0..width * channels)
                    .map(|i| {
                        let (x, c) = (i / channels, i % channels);
                        let taps = (0..k * k).filter_map(|tap| {
                            let at = (x + tap % k).checked_sub(k / 2).filter(|&at| at < width)?;
                            let value = q[(tap / k * width + at) * channels + c];
                            Some(value * i32::from(weight[tap * channels + c]))
                        });
                        taps.sum::<i32>() as f32 * gain[c] + bias[c]
                    })
                    .collect();
                let job = || Convolution { depthwise: &depthwise, rows: &rows, width };
                for isa in Isa::available() {
                    assert!(Engine::at(isa).unwrap().run(job()) == want, "kernel {k}, {width} pixels, {isa:?}");
                }
                assert!(job().run::<Scalar<false, true>>() == want, "kernel {k}, {width} pixels, wide tiles");
            }
        }
    }

    #[test]
    fn unusable_weights_are_refused() {
        let new = |k: usize, c: usize, len: usize| {
            let input = Input::new(1.0, Bits::Sixteen);
            Depthwise::new(k, c, &vec![1; len], &vec![1.0; c], &vec![0.0; c], input).is_ok()
        };
        assert!(new(3, 16, 144));
        assert!(!new(2, 16, 64) && !new(3, 8, 72) && !new(3, 16, 143) && !new(3, 0, 0));
    }
}

//! Operations on each value or each pixel: GELU and layer normalisation.

use crate::integer::Quantiser;
use crate::simd::{Engine, Job, Simd};

/// ε of the layer normalisation (that of the ConvNeXt block).
pub const EPSILON: f32 = 1e-6;

/// Coefficients of (Φ(x) − ½)/x in powers of t = 0.09876543·x² − 1, lowest first, for |x| ≤ 4.5;
/// x·Φ(x) is within 3.5e-5 of its value. Fitted to the normal distribution function by iteratively
/// re-weighted least squares, with Φ(±4.5) held at 0 and 1.
const PHI: [f32; 9] = [
    0.156_902,
    -0.077_172_5,
    0.054_823_33,
    -0.040_549_304,
    0.027_597_753,
    -0.016_762_078,
    0.012_273_278,
    -0.009_314_848,
    0.003_313_472_5,
];

/// GELU, x·Φ(x), of each lane, to about 3.5e-5: finer than the steps of what reads it.
#[inline(always)]
pub(crate) fn gelu<S: Simd>(x: S::V) -> S::V {
    let c = S::min(S::max(x, S::splat(-4.5)), S::splat(4.5));
    let t = S::mul_add(S::mul(c, c), S::splat(0.098_765_43), S::splat(-1.0));
    let mut p = S::splat(PHI[8]);
    for i in 1..9 {
        p = S::mul_add(p, t, S::splat(PHI[8 - i]));
    }
    S::mul(x, S::mul_add(c, p, S::splat(0.5)))
}

/// Mean and 1/√(variance + ε) of one pixel's channels, a multiple of 16: see [`normalise`].
#[inline(always)]
pub(crate) fn moments<S: Simd>(x: &[f32]) -> (f32, f32) {
    let count = x.len() as f32;
    let vectors = x.as_chunks::<16>().0;
    let mut sum = S::splat(0.0);
    for i in 0..vectors.len() {
        sum = S::add(sum, S::load(&vectors[i]));
    }
    let mean = S::sum(sum) / count;
    let mut squares = S::splat(0.0);
    for i in 0..vectors.len() {
        let d = S::sub(S::load(&vectors[i]), S::splat(mean));
        squares = S::mul_add(d, d, squares);
    }
    (mean, 1.0 / (S::sum(squares) / count + EPSILON).sqrt())
}

/// Layer normalisation of one pixel over its channels, (x − mean)/√(variance + ε), then
/// `·factor + shift` per channel, as integers limited like `quantiser`'s. Channel c is summed in
/// lane c mod 16 in ascending order, then the lanes are folded.
#[inline(always)]
pub(crate) fn normalise<S: Simd>(x: &[f32], factor: &[f32], shift: &[f32], quantiser: &Quantiser<S>, out: &mut [i16]) {
    let (mean, inverse) = moments::<S>(x);
    let (mean, inverse) = (S::splat(mean), S::splat(inverse));
    let (x, factor, shift) = (x.as_chunks::<16>().0, factor.as_chunks::<16>().0, shift.as_chunks::<16>().0);
    let out = out.as_chunks_mut::<16>().0;
    for i in 0..x.len().min(factor.len()).min(shift.len()).min(out.len()) {
        let normalised = S::mul(S::sub(S::load(&x[i]), mean), inverse);
        let scaled = S::add(S::mul(normalised, S::load(&factor[i])), S::load(&shift[i]));
        // SAFETY: the chunk holds 16 values.
        unsafe { S::store_short(quantiser.limited(scaled), out[i].as_mut_ptr()) }
    }
}

impl Engine {
    /// GELU in place.
    pub fn gelu(self, x: &mut [f32]) {
        struct Gelu<'a>(&'a mut [f32]);
        impl Job for Gelu<'_> {
            type Output = ();
            #[inline(always)]
            fn run<S: Simd>(self) {
                for part in self.0.chunks_mut(16) {
                    let mut v = [0.0; 16];
                    v[..part.len()].copy_from_slice(part);
                    let x = S::load(&v);
                    S::store(gelu::<S>(x), &mut v);
                    part.copy_from_slice(&v[..part.len()]);
                }
            }
        }
        self.run(Gelu(x));
    }
}

#[cfg(test)]
mod portable {
    use super::*;
    use crate::integer::{Bits, Input};
    use crate::simd::Isa;
    use crate::testing::numbers;

    /// A pixel, a factor and a shift for each channel, normalised to integers in steps of 1/1000.
    struct Normalise<'a>([&'a [f32]; 3]);

    impl Job for Normalise<'_> {
        type Output = Vec<i16>;
        #[inline(always)]
        fn run<S: Simd>(self) -> Vec<i16> {
            let [x, factor, shift] = self.0;
            let mut out = vec![0; x.len()];
            normalise::<S>(x, factor, shift, &Input::new(1.0, Bits::Sixteen).quantiser(), &mut out);
            out
        }
    }

    #[test]
    fn every_instruction_set_normalises_and_agrees() {
        let (x, y) = (numbers(64, 6), numbers(64, 7));
        let (factor, shift): (Vec<f32>, Vec<f32>) = y.iter().map(|y| (1000.0 + 500.0 * y, 100.0 * y)).unzip();
        let mean = x.iter().sum::<f32>() / 64.0;
        let deviation = (x.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 64.0).sqrt();
        let want: Vec<f32> =
            x.iter().zip(factor.iter().zip(&shift)).map(|(x, (f, s))| (x - mean) / deviation * f + s).collect();
        let first = Engine::at(Isa::Scalar).unwrap().run(Normalise([&x, &factor, &shift]));
        assert!(first.iter().zip(&want).all(|(q, want)| (f32::from(*q) - want).abs() < 0.51), "{first:?}");
        for isa in Isa::available() {
            assert_eq!(Engine::at(isa).unwrap().run(Normalise([&x, &factor, &shift])), first, "{isa:?}");
        }
    }

    #[test]
    fn gelu_is_near_its_definition_and_agrees() {
        let x: Vec<f32> = (0..37).map(|i| (i as f32 - 18.0) / 3.0).collect();
        let mut first = x.clone();
        Engine::at(Isa::Scalar).unwrap().gelu(&mut first);
        // Values of x·Φ(x) from tables of the normal distribution.
        for (at, want) in [(18, 0.0), (21, 0.841_344_8), (15, -0.158_655_25), (24, 1.954_499_7), (12, -0.045_500_264)] {
            assert!((first[at] - want).abs() < 4e-5, "GELU of {} is {}", x[at], first[at]);
        }
        for isa in Isa::available() {
            let mut out = x.clone();
            Engine::at(isa).unwrap().gelu(&mut out);
            assert_eq!(out, first, "{isa:?}");
        }
        let mut edge = [20.0, -20.0, f32::INFINITY, f32::MAX];
        Engine::default().gelu(&mut edge);
        assert!((edge[0] - 20.0).abs() < 1e-4 && edge[1].abs() < 1e-4 && edge[2..] == [f32::INFINITY, f32::MAX]);
    }
}

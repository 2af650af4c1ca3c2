//! Operations on each value or each pixel: GELU, layer normalisation, affine, residual.
//!
//! All work on vectors of 16 values: where a length is not a multiple of 16, or where lengths
//! differ, the values beyond the last common vector are left alone, unless stated otherwise.

use crate::simd::{Engine, Job, Simd};

/// ε of the layer normalisation (that of the ConvNeXt block).
pub const EPSILON: f32 = 1e-6;

/// Coefficients of (Φ(x) − ½)/x in powers of t = 0.08·x² − 1, lowest first, for |x| ≤ 5; the
/// absolute error of Φ is below 3e-7. Fitted to the normal distribution function by iteratively
/// re-weighted least squares.
const PHI: [f32; 13] = [
    0.141_363_78,
    -0.070_296_28,
    0.051_520_552,
    -0.040_442_61,
    0.031_441_793,
    -0.023_268_646,
    0.016_403_925,
    -0.011_164_365,
    0.006_406_904_7,
    -0.002_685_533_1,
    0.001_726_192_9,
    -0.001_613_288_2,
    0.000_607_538_7,
];

/// Φ(x), the standard normal distribution function, per lane; x is clamped to [−5, 5].
#[inline(always)]
pub fn phi<S: Simd>(x: S::V) -> S::V {
    let x = S::min(S::max(x, S::splat(-5.0)), S::splat(5.0));
    let t = S::mul_add(S::mul(x, x), S::splat(0.08), S::splat(-1.0));
    let mut p = S::splat(PHI[12]);
    for i in 1..13 {
        p = S::mul_add(p, t, S::splat(PHI[12 - i]));
    }
    S::mul_add(x, p, S::splat(0.5))
}

/// GELU of `x` into `out`.
#[inline(always)]
pub fn gelu_into<S: Simd>(x: &[f32], out: &mut [f32]) {
    let (x, out) = (x.as_chunks::<16>().0, out.as_chunks_mut::<16>().0);
    for i in 0..x.len().min(out.len()) {
        let v = S::load(&x[i]);
        S::store(S::mul(v, phi::<S>(v)), &mut out[i]);
    }
}

/// GELU in its exact (erf) form, x·Φ(x), in place. The length may be any: the last values are
/// padded with zeros to a vector.
#[inline(always)]
pub fn gelu<S: Simd>(x: &mut [f32]) {
    let (vectors, rest) = x.as_chunks_mut::<16>();
    for i in 0..vectors.len() {
        let v = S::load(&vectors[i]);
        S::store(S::mul(v, phi::<S>(v)), &mut vectors[i]);
    }
    if !rest.is_empty() {
        let mut v = [0.0; 16];
        v[..rest.len()].copy_from_slice(rest);
        let x = S::load(&v);
        S::store(S::mul(x, phi::<S>(x)), &mut v);
        rest.copy_from_slice(&v[..rest.len()]);
    }
}

/// Layer normalisation of one pixel over its channels (a multiple of 16), in place:
/// (x − mean)/√(variance + ε). Channel c is summed in lane c mod 16 in ascending order, then the
/// lanes are folded. Returns 1/√(variance + ε).
#[inline(always)]
pub fn normalise<S: Simd>(x: &mut [f32]) -> f32 {
    let count = x.len() as f32;
    let (vectors, _) = x.as_chunks_mut::<16>();
    let mut sum = S::splat(0.0);
    for i in 0..vectors.len() {
        sum = S::add(sum, S::load(&vectors[i]));
    }
    let mean = S::splat(S::sum(sum) / count);
    let mut squares = S::splat(0.0);
    for i in 0..vectors.len() {
        let d = S::sub(S::load(&vectors[i]), mean);
        squares = S::mul_add(d, d, squares);
    }
    let inverse = 1.0 / (S::sum(squares) / count + EPSILON).sqrt();
    let factor = S::splat(inverse);
    for i in 0..vectors.len() {
        let d = S::sub(S::load(&vectors[i]), mean);
        S::store(S::mul(d, factor), &mut vectors[i]);
    }
    inverse
}

/// `out = x·factor + shift`, per channel of one pixel.
#[inline(always)]
pub fn affine<S: Simd>(x: &[f32], factor: &[f32], shift: &[f32], out: &mut [f32]) {
    let (x, factor, shift) = (x.as_chunks::<16>().0, factor.as_chunks::<16>().0, shift.as_chunks::<16>().0);
    let out = out.as_chunks_mut::<16>().0;
    for i in 0..x.len().min(factor.len()).min(shift.len()).min(out.len()) {
        S::store(S::mul_add(S::load(&x[i]), S::load(&factor[i]), S::load(&shift[i])), &mut out[i]);
    }
}

/// `x ← x·factor + shift`, per channel of one pixel.
#[inline(always)]
pub fn affine_in_place<S: Simd>(x: &mut [f32], factor: &[f32], shift: &[f32]) {
    let (factor, shift) = (factor.as_chunks::<16>().0, shift.as_chunks::<16>().0);
    let x = x.as_chunks_mut::<16>().0;
    for i in 0..x.len().min(factor.len()).min(shift.len()) {
        let y = S::mul_add(S::load(&x[i]), S::load(&factor[i]), S::load(&shift[i]));
        S::store(y, &mut x[i]);
    }
}

/// `x ← y·scale + x`, per channel of one pixel: the residual with its layer scale.
#[inline(always)]
pub fn residual<S: Simd>(y: &[f32], scale: &[f32], x: &mut [f32]) {
    let (y, scale) = (y.as_chunks::<16>().0, scale.as_chunks::<16>().0);
    let x = x.as_chunks_mut::<16>().0;
    for i in 0..y.len().min(scale.len()).min(x.len()) {
        let sum = S::mul_add(S::load(&y[i]), S::load(&scale[i]), S::load(&x[i]));
        S::store(sum, &mut x[i]);
    }
}

/// `out = y·scale + x`, per channel of one pixel.
#[inline(always)]
pub fn residual_into<S: Simd>(x: &[f32], y: &[f32], scale: &[f32], out: &mut [f32]) {
    let (x, y, scale) = (x.as_chunks::<16>().0, y.as_chunks::<16>().0, scale.as_chunks::<16>().0);
    let out = out.as_chunks_mut::<16>().0;
    for i in 0..x.len().min(y.len()).min(scale.len()).min(out.len()) {
        S::store(S::mul_add(S::load(&y[i]), S::load(&scale[i]), S::load(&x[i])), &mut out[i]);
    }
}

impl Engine {
    /// GELU (erf form) in place.
    pub fn gelu(self, x: &mut [f32]) {
        struct Gelu<'a>(&'a mut [f32]);
        impl Job for Gelu<'_> {
            type Output = ();
            #[inline(always)]
            fn run<S: Simd>(self) {
                gelu::<S>(self.0);
            }
        }
        self.run(Gelu(x));
    }
}

#[cfg(test)]
mod portable {
    use super::*;
    use crate::simd::{Arithmetic, Isa};
    use crate::testing::numbers;

    /// Runs a function of slices on every instruction set and checks that the bits agree.
    struct All<'a>(&'a [f32]);

    impl Job for All<'_> {
        type Output = Vec<f32>;
        #[inline(always)]
        fn run<S: Simd>(self) -> Vec<f32> {
            let (x, y) = self.0.split_at(self.0.len() / 2);
            let mut out = vec![0.0; x.len()];
            gelu_into::<S>(x, &mut out);
            let mut all = out.clone();
            gelu::<S>(&mut all[..21]);
            all.push(normalise::<S>(&mut out));
            all.extend(&out);
            affine::<S>(&all.clone()[..x.len()], x, y, &mut out);
            affine_in_place::<S>(&mut out, y, x);
            residual::<S>(x, y, &mut out);
            all.extend(&out);
            residual_into::<S>(x, y, &all.clone()[..x.len()], &mut out);
            all.extend(&out);
            all
        }
    }

    #[test]
    fn instruction_sets_agree_to_the_bit() {
        let x: Vec<f32> = numbers(96, 5).iter().map(|x| 7.0 * x).collect();
        for arithmetic in [Arithmetic::Strict, Arithmetic::Fused] {
            let bits = |isa| {
                let found = Engine::at(isa, arithmetic).unwrap().run(All(&x));
                found.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
            };
            let want = bits(Isa::Scalar);
            for isa in Isa::available() {
                assert_eq!(bits(isa), want, "{isa:?}, {arithmetic:?}");
            }
        }
    }

    #[test]
    fn gelu_and_normalisation_are_near_their_definitions() {
        let mut x: Vec<f32> = (0..37).map(|i| (i as f32 - 18.0) / 3.0).collect();
        let before = x.clone();
        Engine::new(Arithmetic::Fused).gelu(&mut x);
        // Values of x·Φ(x) from tables of the normal distribution.
        for (at, want) in [(18, 0.0), (21, 0.841_344_8), (15, -0.158_655_25), (24, 1.954_499_7), (12, -0.045_500_264)] {
            assert!((x[at] - want).abs() < 1e-6, "GELU of {} is {}", before[at], x[at]);
        }
        struct Normalise(Vec<f32>);
        impl Job for Normalise {
            type Output = Vec<f32>;
            #[inline(always)]
            fn run<S: Simd>(mut self) -> Vec<f32> {
                normalise::<S>(&mut self.0);
                self.0
            }
        }
        let x = Engine::new(Arithmetic::Strict).run(Normalise(numbers(64, 6)));
        let mean = x.iter().sum::<f32>() / 64.0;
        let square = x.iter().map(|x| x * x).sum::<f32>() / 64.0;
        assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-4, "mean {mean}, mean square {square}");
    }
}

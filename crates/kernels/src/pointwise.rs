//! Operations on each value or each pixel: GELU, layer normalisation, affine, residual.

use super::simd::Simd;

/// ε of the layer normalisation (method: ConvNeXt block).
pub const EPSILON: f32 = 1e-6;

/// Coefficients of (Φ(x) − ½)/x in powers of t = 0.08·x² − 1, lowest first; |x| ≤ 5, absolute error of Φ below 3e-7.
/// Fitted to the normal distribution function by iteratively re-weighted least squares.
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
    for i in (0..12).rev() {
        p = S::mul_add(p, t, S::splat(PHI[i]));
    }
    S::mul_add(x, p, S::splat(0.5))
}

/// GELU of `x` into `out`. Lengths are a multiple of 16.
#[inline(always)]
pub fn gelu_into<S: Simd>(x: &[f32], out: &mut [f32]) {
    for (x, out) in x.as_chunks::<16>().0.iter().zip(out.as_chunks_mut::<16>().0) {
        let x = S::load(x);
        S::store(S::mul(x, phi::<S>(x)), out);
    }
}

/// GELU in its exact (erf) form, x·Φ(x), in place. Vectors of 16, the rest padded with zeros.
#[inline(always)]
pub fn gelu<S: Simd>(x: &mut [f32]) {
    let (vectors, rest) = x.as_chunks_mut::<16>();
    for v in vectors {
        let x = S::load(v);
        S::store(S::mul(x, phi::<S>(x)), v);
    }
    if !rest.is_empty() {
        let mut v = [0.0; 16];
        v[..rest.len()].copy_from_slice(rest);
        let x = S::load(&v);
        S::store(S::mul(x, phi::<S>(x)), &mut v);
        rest.copy_from_slice(&v[..rest.len()]);
    }
}

/// Layer normalisation of one pixel over its channels (a multiple of 16), in place: (x − mean)/√(variance + ε).
/// Channel c is summed in lane c mod 16 in ascending order, then the lanes are folded. Returns 1/√(variance + ε).
#[inline(always)]
pub fn normalise<S: Simd>(x: &mut [f32]) -> f32 {
    let count = x.len() as f32;
    let (vectors, _) = x.as_chunks_mut::<16>();
    let mut sum = S::splat(0.0);
    for v in vectors.iter() {
        sum = S::add(sum, S::load(v));
    }
    let mean = S::splat(S::sum(sum) / count);
    let mut squares = S::splat(0.0);
    for v in vectors.iter() {
        let d = S::sub(S::load(v), mean);
        squares = S::mul_add(d, d, squares);
    }
    let inverse = 1.0 / (S::sum(squares) / count + EPSILON).sqrt();
    let factor = S::splat(inverse);
    for v in vectors {
        let d = S::sub(S::load(v), mean);
        S::store(S::mul(d, factor), v);
    }
    inverse
}

/// `out = x·factor + shift`, per channel of one pixel.
#[inline(always)]
pub fn affine<S: Simd>(x: &[f32], factor: &[f32], shift: &[f32], out: &mut [f32]) {
    let (x, f, s) = (x.as_chunks::<16>().0, factor.as_chunks::<16>().0, shift.as_chunks::<16>().0);
    for (((x, f), s), o) in x.iter().zip(f).zip(s).zip(out.as_chunks_mut::<16>().0) {
        S::store(S::mul_add(S::load(x), S::load(f), S::load(s)), o);
    }
}

/// `x ← y·scale + x`, per channel of one pixel: the residual with its layer scale.
#[inline(always)]
pub fn residual<S: Simd>(y: &[f32], scale: &[f32], x: &mut [f32]) {
    let (y, s) = (y.as_chunks::<16>().0, scale.as_chunks::<16>().0);
    for ((y, s), x) in y.iter().zip(s).zip(x.as_chunks_mut::<16>().0) {
        S::store(S::mul_add(S::load(y), S::load(s), S::load(x)), x);
    }
}

/// `out = y·scale + x`, per channel of one pixel.
#[inline(always)]
pub fn residual_into<S: Simd>(x: &[f32], y: &[f32], scale: &[f32], out: &mut [f32]) {
    let (x, y, s) = (x.as_chunks::<16>().0, y.as_chunks::<16>().0, scale.as_chunks::<16>().0);
    for (((x, y), s), out) in x.iter().zip(y).zip(s).zip(out.as_chunks_mut::<16>().0) {
        S::store(S::mul_add(S::load(y), S::load(s), S::load(x)), out);
    }
}

/// `x ← x·factor + shift`, per channel of one pixel.
#[inline(always)]
pub fn affine_in_place<S: Simd>(x: &mut [f32], factor: &[f32], shift: &[f32]) {
    let (f, s) = (factor.as_chunks::<16>().0, shift.as_chunks::<16>().0);
    for ((x, f), s) in x.as_chunks_mut::<16>().0.iter_mut().zip(f).zip(s) {
        let y = S::mul_add(S::load(x), S::load(f), S::load(s));
        S::store(y, x);
    }
}

//! Rate and distortion of a batch, each with the derivatives that the backward pass needs.

use rayon::prelude::*;

use super::elementary::{exp, ln};
use super::parts::in_parts;
use super::run::run;
use crate::simd::{Job, Simd};

/// Below this probability of a bin, the density stands for it.
pub const SMALLEST: f32 = 1e-6;
/// ½ ln 2π
pub const HALF_LN_TAU: f32 = 0.918_938_5;
/// 1/√(2π)
pub const INV_SQRT_TAU: f32 = 0.398_942_3;
/// ln erfc(x) + x² − ln t as a polynomial of s = (7t − 4)/3, t = 1/(1 + x/2), for x in [0, 12];
/// fitted at Chebyshev nodes, largest error 6e-8.
pub const LN_ERFC: [f32; 10] = [
    -0.574_876_36,
    0.585_602,
    0.019_326_528,
    -0.031_905_56,
    -0.001_788_919_6,
    0.004_309_441,
    -0.000_132_765_16,
    -0.000_680_814,
    6.954_94e-5,
    7.694_512e-5,
];
/// Shift of the raw scale: log σ = softplus(raw + 2.3) − 2.3, so σ is at least exp(−2.3), about
/// 0.1.
pub const SCALE_SHIFT: f32 = 2.3;

/// Bits per image, and their derivatives.
pub struct Rate {
    /// Bits of each image.
    pub bits: Vec<f32>,
    /// Derivatives with respect to the raw prior, `[images, pixels, 2·latents]`.
    pub by_prior: Vec<f32>,
    /// Derivatives with respect to the latents, `[images, pixels, latents]`.
    pub by_latent: Vec<f32>,
}

/// Bits of latents `[images, pixels, latents]` under raw priors `[images, pixels, 2·latents]`:
/// means, then raw scales.
///
/// For a residual d = z − μ and deviation σ, the bin holds P = Φ((½ − |d|)/σ) − Φ((−½ − |d|)/σ).
/// Where P ≤ [`SMALLEST`], the density stands for it (Duan et al., CVPR 2024, section 4.2).
pub fn bits(images: usize, latents: usize, prior: &[f32], latent: &[f32]) -> Rate {
    let (prior_part, latent_part) = (prior.len() / images, latent.len() / images);
    let ([by_prior, by_latent], bits) =
        in_parts([prior.len(), latent.len()], [prior_part, latent_part], |i, [by_prior, by_latent]| {
            let (prior, latent) = (&prior[i * prior_part..][..prior_part], &latent[i * latent_part..][..latent_part]);
            run(ImageBits { latents, prior, latent, by_prior, by_latent }) as f32
        });
    Rate { bits, by_prior, by_latent }
}

/// The bits of one image's latents.
struct ImageBits<'a> {
    latents: usize,
    prior: &'a [f32],
    latent: &'a [f32],
    by_prior: &'a mut [f32],
    by_latent: &'a mut [f32],
}

impl Job for ImageBits<'_> {
    type Output = f64;
    #[inline(always)]
    fn run<S: Simd>(self) -> f64 {
        let n = self.latents;
        let (prior, by_prior) = (self.prior.chunks_exact(2 * n), self.by_prior.chunks_exact_mut(2 * n));
        let (latent, by_latent) = (self.latent.chunks_exact(n), self.by_latent.chunks_exact_mut(n));
        let mut bits = vec![0.0; n];
        let mut sum = 0.0;
        for ((prior, latent), (by_prior, by_latent)) in prior.zip(latent).zip(by_prior.zip(by_latent)) {
            // The lengths are stated again, so that the loop needs no checks and becomes vector
            // code.
            let (latent, means, raws) = (&latent[..n], &prior[..n], &prior[n..2 * n]);
            let (by_means, by_raws) = by_prior.split_at_mut(n);
            let (by_latent, by_means, by_raws) = (&mut by_latent[..n], &mut by_means[..n], &mut by_raws[..n]);
            let bits = &mut bits[..n];
            for i in 0..n {
                let of = element(latent[i] - means[i], raws[i]);
                bits[i] = of.bits;
                by_latent[i] = of.by_residual;
                by_means[i] = -of.by_residual;
                by_raws[i] = of.by_raw;
            }
            sum += bits.iter().map(|bits| f64::from(*bits)).sum::<f64>();
        }
        sum
    }
}

struct Element {
    bits: f32,
    by_residual: f32,
    by_raw: f32,
}

/// Bits of one latent. Without branches: both cases are computed.
#[inline(always)]
fn element(residual: f32, raw: f32) -> Element {
    let x = raw + SCALE_SHIFT;
    let e = exp(-x.abs());
    let scale = exp(if x > 0.0 { x } else { 0.0 } + ln(1.0 + e) - SCALE_SHIFT);
    let scale_by_raw = scale * if x > 0.0 { 1.0 } else { e } / (1.0 + e);

    let inverse = 1.0 / scale;
    let distance = residual.abs();
    let (upper, lower) = ((0.5 - distance) * inverse, (-0.5 - distance) * inverse);
    let p = cumulative(upper) - cumulative(lower);
    let density = |x: f32| INV_SQRT_TAU * exp(-0.5 * x * x);
    let (phi_upper, phi_lower) = (density(upper), density(lower));
    let factor = inverse / p;
    let standard = distance * inverse;
    // A NaN counts as a tail, and stays visible in the sum.
    let within = p > SMALLEST;
    let logarithm = ln(if within { p } else { inverse });
    let tail = 0.5 * standard * standard + HALF_LN_TAU;
    let nats = if within { 0.0 } else { tail } - logarithm;
    let by_distance = if within { (phi_upper - phi_lower) * factor } else { standard * inverse };
    let by_scale =
        if within { (upper * phi_upper - lower * phi_lower) * factor } else { (1.0 - standard * standard) * inverse };
    let per_ln2 = std::f32::consts::LOG2_E;
    let sign = if residual == 0.0 { 0.0 } else { residual.signum() };
    Element {
        bits: nats * per_ln2,
        by_residual: by_distance * sign * per_ln2,
        by_raw: by_scale * scale_by_raw * per_ln2,
    }
}

/// Φ(x), with relative precision for x < 0.
#[inline(always)]
fn cumulative(x: f32) -> f32 {
    let a = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let a = if a > 12.0 { 12.0 } else { a };
    let t = 1.0 / (1.0 + 0.5 * a);
    let s = (7.0 / 3.0) * t - 4.0 / 3.0;
    let mut poly = 0.0;
    for i in (0..LN_ERFC.len()).rev() {
        poly = poly * s + LN_ERFC[i];
    }
    let half_erfc = 0.5 * t * exp(poly - a * a);
    if x > 0.0 { 1.0 - half_erfc } else { half_erfc }
}

/// Σ (x − target)² per image.
pub fn squared_error(images: usize, x: &[f32], target: &[f32]) -> Vec<f32> {
    let part = x.len() / images;
    x.par_chunks_exact(part)
        .zip(target.par_chunks_exact(part))
        .map(|(x, target)| {
            // Rows of a limited length in single precision, their sums in double.
            let rows = x.chunks(256).zip(target.chunks(256));
            rows.map(|(x, t)| f64::from(x.iter().zip(t).map(|(x, t)| (x - t) * (x - t)).sum::<f32>())).sum::<f64>()
                as f32
        })
        .collect()
}

/// `factors[image] · (x − target)`.
pub fn scaled_difference(factors: &[f32], x: &[f32], target: &[f32]) -> Vec<f32> {
    let part = x.len() / factors.len();
    let ([out], _) = in_parts([x.len()], [part], |i, [out]| {
        let (x, target) = (&x[i * part..][..out.len()], &target[i * part..][..out.len()]);
        for j in 0..out.len() {
            out[j] = factors[i] * (x[j] - target[j]);
        }
    });
    out
}

/// `factors[image] · x`.
pub fn scaled(factors: &[f32], x: &[f32]) -> Vec<f32> {
    let part = x.len() / factors.len();
    let ([out], _) = in_parts([x.len()], [part], |i, [out]| {
        let x = &x[i * part..][..out.len()];
        for j in 0..out.len() {
            out[j] = factors[i] * x[j];
        }
    });
    out
}

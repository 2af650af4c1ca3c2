//! The rate of a latent under its prior: the bits of a bin of width 1 of a normal distribution, and
//! their derivatives.
//!
//! For a residual d = z − μ and deviation σ, the bin holds P = Φ((½ − |d|)/σ) − Φ((−½ − |d|)/σ),
//! computed from erfc so that its tail keeps relative precision. Where P ≤ 1e-6, the density stands
//! for it. The derivatives are written out rather than recorded: nothing here can become 0/0, and
//! the graph stays small.
//!
//! This is the statement in tensors, for any device; [`heirloom_kernels::training::objective`]
//! computes the same on slices.

use burn::tensor::{Tensor, activation};
use heirloom_kernels::training::objective::{HALF_LN_TAU, INV_SQRT_TAU, LN_ERFC, SCALE_SHIFT, SMALLEST};
use std::f32::consts::{FRAC_1_SQRT_2, LN_2};

/// Standard deviation of a prior from its raw output: log σ = softplus(raw + 2.3) − 2.3.
pub fn scale<const D: usize>(raw: Tensor<D>) -> Tensor<D> {
    let x = raw.add_scalar(SCALE_SHIFT);
    // softplus(x) = max(x, 0) + ln(1 + exp(−|x|)): no overflow on either side.
    let softplus = activation::relu(x.clone()) + x.abs().neg().exp().log1p();
    softplus.sub_scalar(SCALE_SHIFT).exp()
}

/// See [`super::bits`].
pub fn bits(prior: Tensor<4>, latent: Tensor<4>) -> Tensor<1> {
    let [b, h, w, c] = latent.dims();
    let mean = prior.clone().slice([0..b, 0..h, 0..w, 0..c]);
    let scale = scale(prior.slice([0..b, 0..h, 0..w, c..2 * c]));
    let residual = latent - mean;
    let of = elements(residual.clone(), scale.clone());
    per_image(recorded(of, residual, scale))
}

/// Bits per element, `[B, H, W, C]`, of residuals z − μ under deviations max(σ, least). A σ below
/// the least one has a gradient only where it should grow.
pub fn bits_at_least(residual: Tensor<4>, scale: Tensor<4>, least: f32) -> Tensor<4> {
    let mut of = elements(residual.clone(), scale.clone().clamp_min(least));
    let below = scale.clone().inner().lower_scalar(least);
    let held = below.bool_and(of.by_scale.clone().greater_scalar(0.0));
    of.by_scale = of.by_scale.mask_fill(held, 0.0);
    recorded(of, residual, scale)
}

/// The bits as a function of residual and scale, where the device differentiates.
fn recorded(of: Bits, residual: Tensor<4>, scale: Tensor<4>) -> Tensor<4> {
    if !residual.device().is_autodiff() {
        return of.bits;
    }
    // A value of zero whose gradient is the written one.
    let graph = residual * Tensor::from_inner(of.by_residual) + scale * Tensor::from_inner(of.by_scale);
    let zero = graph.clone() - Tensor::from_inner(graph.inner());
    zero + Tensor::from_inner(of.bits)
}

/// Sums over all but the first dimension.
pub fn per_image(values: Tensor<4>) -> Tensor<1> {
    let [b, h, w, c] = values.dims();
    values.reshape([b * h, w * c]).sum_dim(1).reshape([b, h]).sum_dim(1).reshape([b])
}

/// Bits per element, and their derivatives with respect to the residual and to σ. All `[B, H, W,
/// C]`, none recorded.
struct Bits {
    bits: Tensor<4>,
    by_residual: Tensor<4>,
    by_scale: Tensor<4>,
}

/// The bits of residuals z − μ under deviations σ > 0, both without their graph.
fn elements(residual: Tensor<4>, scale: Tensor<4>) -> Bits {
    let (d, scale) = (residual.inner(), scale.inner());
    let inverse = scale.recip();
    let sign = d.clone().sign();
    let distance = d.abs();
    let upper = distance.clone().neg().add_scalar(0.5) * inverse.clone();
    let lower = distance.clone().neg().sub_scalar(0.5) * inverse.clone();
    let p = cumulative(upper.clone()) - cumulative(lower.clone());
    let tail = p.clone().lower_equal_scalar(SMALLEST);
    let p = p.clamp_min(SMALLEST);
    let (phi_upper, phi_lower) = (density(upper.clone()), density(lower.clone()));
    let factor = inverse.clone() / p.clone();
    let nats = p.log().neg();
    let by_distance = (phi_upper.clone() - phi_lower.clone()) * factor.clone();
    let by_scale = (upper * phi_upper - lower * phi_lower) * factor;

    let standard = distance * inverse.clone();
    let tail_nats = standard.clone().square().mul_scalar(0.5) - inverse.clone().log() + HALF_LN_TAU;
    let tail_by_distance = standard.clone() * inverse.clone();
    let tail_by_scale = (standard.square().neg().add_scalar(1.0)) * inverse;

    let per_ln2 = 1.0 / LN_2;
    Bits {
        bits: nats.mask_where(tail.clone(), tail_nats).mul_scalar(per_ln2),
        by_residual: by_distance.mask_where(tail.clone(), tail_by_distance).mul(sign).mul_scalar(per_ln2),
        by_scale: by_scale.mask_where(tail, tail_by_scale).mul_scalar(per_ln2),
    }
}

/// φ(x)
fn density(x: Tensor<4>) -> Tensor<4> {
    x.square().mul_scalar(-0.5).exp().mul_scalar(INV_SQRT_TAU)
}

/// Φ(x), with relative precision for x < 0.
fn cumulative(x: Tensor<4>) -> Tensor<4> {
    let positive = x.clone().greater_scalar(0.0);
    let a = x.abs().mul_scalar(FRAC_1_SQRT_2).clamp_max(12.0);
    let t = a.clone().mul_scalar(0.5).add_scalar(1.0).recip();
    let s = t.clone().mul_scalar(7.0 / 3.0).sub_scalar(4.0 / 3.0);
    let mut poly = s.clone().mul_scalar(LN_ERFC[9]).add_scalar(LN_ERFC[8]);
    for coefficient in LN_ERFC[..8].iter().rev() {
        poly = poly * s.clone() + *coefficient;
    }
    let half_erfc = (t * (poly - a.square()).exp()).mul_scalar(0.5);
    let other = half_erfc.clone().neg().add_scalar(1.0);
    half_erfc.mask_where(positive, other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    /// Bits in double precision, by integrating the density over the bin (Simpson) where it is not
    /// a tail.
    fn reference(d: f64, s: f64) -> f64 {
        let n = 4000;
        let f = |x: f64| (-0.5 * (x / s).powi(2)).exp() / (s * (2.0 * std::f64::consts::PI).sqrt());
        let h = 1.0 / f64::from(n);
        let mut sum = f(d - 0.5) + f(d + 0.5);
        for i in 1..n {
            sum += f(d - 0.5 + f64::from(i) * h) * if i % 2 == 1 { 4.0 } else { 2.0 };
        }
        let p = sum * h / 3.0;
        -(if p > 1e-6 { p } else { f(d) }).ln() / std::f64::consts::LN_2
    }

    #[test]
    fn bits_and_derivatives_agree_with_double_precision() {
        let device = Device::flex();
        let (mut ds, mut ss) = (vec![], vec![]);
        for s in [0.101f32, 0.11, 0.2, 0.5, 1.0, 3.0, 20.0, 200.0] {
            for d in [-60.0f32, -7.3, -2.1, -0.7, -0.31, 1e-3, 0.2, 0.49, 0.5, 0.51, 1.0, 1.9, 4.0, 33.3] {
                ds.push(d);
                ss.push(s);
            }
        }
        let n = ds.len();
        let tensor = |v: &Vec<f32>| Tensor::<4>::from_data(TensorData::new(v.clone(), [1, 1, 1, n]), &device);
        let got = elements(tensor(&ds), tensor(&ss));
        let read = |t: Tensor<4>| t.try_into_vec_as::<f32>().unwrap();
        let (b, gd, gs) = (read(got.bits), read(got.by_residual), read(got.by_scale));
        for i in 0..n {
            let (d, s) = (f64::from(ds[i]), f64::from(ss[i]));
            let want = reference(d, s);
            assert!(
                (f64::from(b[i]) - want).abs() <= 2e-5 * want.abs() + 2e-6,
                "bits at d {d} s {s}: {} against {want}",
                b[i]
            );
            let step = 1e-4 * s.min(1.0);
            let want_d = (reference(d + step, s) - reference(d - step, s)) / (2.0 * step);
            let want_s = (reference(d, s + step) - reference(d, s - step)) / (2.0 * step);
            // Where the branch changes within the step the difference quotient means nothing.
            if (reference(d + step, s) - reference(d - step, s)).abs() < 1.0 {
                assert!(
                    (f64::from(gd[i]) - want_d).abs() <= 2e-3 * want_d.abs() + 1e-4,
                    "by residual at d {d} s {s}: {} against {want_d}",
                    gd[i]
                );
                assert!(
                    (f64::from(gs[i]) - want_s).abs() <= 2e-3 * want_s.abs() + 1e-4,
                    "by scale at d {d} s {s}: {} against {want_s}",
                    gs[i]
                );
            }
        }
    }

    #[test]
    fn extremes_stay_finite() {
        let device = Device::flex();
        let d = vec![0.0f32, 1e4, -1e4, 1e-20, 0.5, 1e4];
        let s = vec![0.1f32, 0.1, 1e4, 1e4, 0.1, 1e-1];
        let tensor = |v: &Vec<f32>| Tensor::<4>::from_data(TensorData::new(v.clone(), [1, 1, 1, 6]), &device);
        let got = elements(tensor(&d), tensor(&s));
        for t in [got.bits, got.by_residual, got.by_scale] {
            assert!(t.try_into_vec_as::<f32>().unwrap().iter().all(|v| v.is_finite()));
        }
    }
}

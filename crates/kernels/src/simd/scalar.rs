//! Sixteen lanes in plain Rust, for every machine.

use super::vector::{Job, Sealed, Simd};

/// An array of sixteen values; `FUSED` chooses the arithmetic. `WIDE` takes the tiles of wide
/// registers, for tests of those on every machine.
#[derive(Clone, Copy)]
pub struct Scalar<const FUSED: bool, const WIDE: bool = false>;

impl<const FUSED: bool, const WIDE: bool> Sealed for Scalar<FUSED, WIDE> {}

/// `[f(0), f(1), … f(15)]`.
#[inline(always)]
fn lanes(f: impl Fn(usize) -> f32) -> [f32; 16] {
    let mut out = [0.0; 16];
    for i in 0..16 {
        out[i] = f(i);
    }
    out
}

impl<const FUSED: bool, const WIDE: bool> Simd for Scalar<FUSED, WIDE> {
    type V = [f32; 16];
    const WIDE: bool = WIDE;

    #[inline(never)]
    fn call<J: Job>(job: J) -> J::Output {
        job.run::<Self>()
    }

    #[inline(always)]
    fn splat(x: f32) -> Self::V {
        [x; 16]
    }

    #[inline(always)]
    unsafe fn load_ptr(x: *const f32) -> Self::V {
        // SAFETY: the caller promises 16 readable values; `[f32; 16]` has the alignment of `f32`.
        unsafe { x.cast::<[f32; 16]>().read() }
    }

    #[inline(always)]
    unsafe fn store_ptr(v: Self::V, x: *mut f32) {
        // SAFETY: the caller promises 16 writable values; `[f32; 16]` has the alignment of `f32`.
        unsafe { x.cast::<[f32; 16]>().write(v) }
    }

    #[inline(always)]
    fn add(a: Self::V, b: Self::V) -> Self::V {
        lanes(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn sub(a: Self::V, b: Self::V) -> Self::V {
        lanes(|i| a[i] - b[i])
    }

    #[inline(always)]
    fn mul(a: Self::V, b: Self::V) -> Self::V {
        lanes(|i| a[i] * b[i])
    }

    #[inline(always)]
    fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        if !FUSED {
            lanes(|i| a[i] * b[i] + c[i])
        } else if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
            lanes(|i| a[i].mul_add(b[i], c[i]))
        } else {
            fused_in_software(a, b, c)
        }
    }

    #[inline(always)]
    fn max(a: Self::V, b: Self::V) -> Self::V {
        lanes(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn min(a: Self::V, b: Self::V) -> Self::V {
        lanes(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }
}

/// Not inlined: a few instructions per lane would bloat every kernel.
#[inline(never)]
fn fused_in_software(a: [f32; 16], b: [f32; 16], c: [f32; 16]) -> [f32; 16] {
    lanes(|i| fused(a[i], b[i], c[i]))
}

/// `a·b + c` rounded once, without the instruction and without the mathematics library, whose own
/// function is far slower.
///
/// The product is exact in binary64. The sum is rounded *to odd*: where it is inexact, its last bit
/// is made 1, in the direction of what was lost. Binary64 has more than two bits to spare, so
/// rounding that to binary32 cannot go wrong twice (Boldo and Melquiond, "Emulation of FMA and
/// correctly rounded sums", 2008).
#[inline(always)]
fn fused(a: f32, b: f32, c: f32) -> f32 {
    let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
    let sum = product + c;
    let part = sum - product;
    let lost = (product - (sum - part)) + (c - part);
    let bits = sum.to_bits();
    let inexact = lost != 0.0 && lost.is_finite();
    let outwards = (lost > 0.0) == (sum > 0.0);
    let odd = if outwards { bits.wrapping_add(1) } else { bits.wrapping_sub(1) };
    f64::from_bits(if inexact && bits & 1 == 0 { odd } else { bits }) as f32
}

#[cfg(test)]
mod portable {
    use super::*;

    #[test]
    fn fused_in_software_equals_the_ieee_operation() {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        };
        let special = [0.0, -0.0, 1.0, f32::MIN_POSITIVE, 1e-45, f32::MAX, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
        let mut number = |kind: u32| match kind % 4 {
            // Any bits; numbers of similar size, whose sums cancel; few bits, whose sums lie
            // half-way; special values.
            0 => f32::from_bits(next()),
            1 => f32::from_bits(0x3f00_0000 | (next() & 0x80ff_ffff)),
            2 => f32::from_bits((0x3f80_0000 + ((next() % 60) << 23) - (30 << 23)) | ((next() & 3) << 21)),
            _ => special[next() as usize % special.len()],
        };
        for kind in 0..if cfg!(miri) { 400 } else { 400_000 } {
            let (a, b, c) = (number(kind), number(kind / 4), number(kind / 16));
            let (ours, exact) = (fused(a, b, c), a.mul_add(b, c));
            assert!(ours.to_bits() == exact.to_bits() || (ours.is_nan() && exact.is_nan()), "{a:e}·{b:e} + {c:e}");
        }
    }
}

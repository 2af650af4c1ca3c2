//! Sixteen lanes as one 512-bit vector.

use core::arch::x86_64::*;

use super::vector::{Job, Sealed, Simd};

/// One 512-bit vector. Only [`super::engine`] and the products of bf16 values pass this type to a
/// job, after a check that the machine has AVX-512 F, BW, DQ and VL, and inside a function compiled
/// for them.
#[derive(Clone, Copy)]
pub struct Avx512<const FUSED: bool>;

/// Calls intrinsics of AVX-512.
macro_rules! avx512 {
    ($($call:tt)*) => {{
        // SAFETY: the machine has AVX-512, as a job only gets `Avx512` after that was checked;
        // where an intrinsic takes a pointer, the caller promises that it is valid.
        unsafe { $($call)* }
    }};
}

impl<const FUSED: bool> Sealed for Avx512<FUSED> {}

impl<const FUSED: bool> Simd for Avx512<FUSED> {
    type V = __m512;
    const WIDE: bool = true;

    fn call<J: Job>(job: J) -> J::Output {
        avx512!(enter_avx512::<Self, J>(job))
    }

    #[inline(always)]
    fn splat(x: f32) -> Self::V {
        avx512!(_mm512_set1_ps(x))
    }

    #[inline(always)]
    unsafe fn load_ptr(x: *const f32) -> Self::V {
        avx512!(_mm512_loadu_ps(x))
    }

    #[inline(always)]
    unsafe fn store_ptr(v: Self::V, x: *mut f32) {
        avx512!(_mm512_storeu_ps(x, v));
    }

    #[inline(always)]
    fn add(a: Self::V, b: Self::V) -> Self::V {
        avx512!(_mm512_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(a: Self::V, b: Self::V) -> Self::V {
        avx512!(_mm512_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(a: Self::V, b: Self::V) -> Self::V {
        avx512!(_mm512_mul_ps(a, b))
    }

    #[inline(always)]
    fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        if FUSED { avx512!(_mm512_fmadd_ps(a, b, c)) } else { Self::add(Self::mul(a, b), c) }
    }

    #[inline(always)]
    fn max(a: Self::V, b: Self::V) -> Self::V {
        avx512!(_mm512_max_ps(a, b))
    }

    #[inline(always)]
    fn min(a: Self::V, b: Self::V) -> Self::V {
        avx512!(_mm512_min_ps(a, b))
    }
}

/// Compiles a job for AVX-512, as a function of its own.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
#[inline(never)]
pub fn enter_avx512<S: Simd, J: Job>(job: J) -> J::Output {
    job.run::<S>()
}

//! Sixteen lanes as two 256-bit vectors.

use core::arch::x86_64::*;

use super::vector::{Job, Sealed, Simd};

/// Two 256-bit vectors. Only [`super::engine`] passes this type to a job, after a check that the
/// machine has AVX2 and FMA, and inside a function compiled for them.
#[derive(Clone, Copy)]
pub struct Avx2<const FUSED: bool>;

/// Calls intrinsics of AVX2 and FMA.
macro_rules! avx2 {
    ($($call:tt)*) => {{
        // SAFETY: the machine has AVX2 and FMA, as a job only gets `Avx2` after that was checked;
        // where an intrinsic takes a pointer, the caller promises that it is valid.
        unsafe { $($call)* }
    }};
}

impl<const FUSED: bool> Sealed for Avx2<FUSED> {}

impl<const FUSED: bool> Simd for Avx2<FUSED> {
    type V = (__m256, __m256);
    type I = (__m256i, __m256i);
    const WIDE: bool = false;

    fn call<J: Job>(job: J) -> J::Output {
        avx2!(enter_avx2::<Self, J>(job))
    }

    #[inline(always)]
    fn splat(x: f32) -> Self::V {
        let v = avx2!(_mm256_set1_ps(x));
        (v, v)
    }

    #[inline(always)]
    unsafe fn load_ptr(x: *const f32) -> Self::V {
        avx2!((_mm256_loadu_ps(x), _mm256_loadu_ps(x.add(8))))
    }

    #[inline(always)]
    unsafe fn store_ptr(v: Self::V, x: *mut f32) {
        avx2!({
            _mm256_storeu_ps(x, v.0);
            _mm256_storeu_ps(x.add(8), v.1);
        });
    }

    #[inline(always)]
    fn add(a: Self::V, b: Self::V) -> Self::V {
        avx2!((_mm256_add_ps(a.0, b.0), _mm256_add_ps(a.1, b.1)))
    }

    #[inline(always)]
    fn sub(a: Self::V, b: Self::V) -> Self::V {
        avx2!((_mm256_sub_ps(a.0, b.0), _mm256_sub_ps(a.1, b.1)))
    }

    #[inline(always)]
    fn mul(a: Self::V, b: Self::V) -> Self::V {
        avx2!((_mm256_mul_ps(a.0, b.0), _mm256_mul_ps(a.1, b.1)))
    }

    #[inline(always)]
    fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        if FUSED {
            avx2!((_mm256_fmadd_ps(a.0, b.0, c.0), _mm256_fmadd_ps(a.1, b.1, c.1)))
        } else {
            Self::add(Self::mul(a, b), c)
        }
    }

    #[inline(always)]
    fn max(a: Self::V, b: Self::V) -> Self::V {
        avx2!((_mm256_max_ps(a.0, b.0), _mm256_max_ps(a.1, b.1)))
    }

    #[inline(always)]
    fn min(a: Self::V, b: Self::V) -> Self::V {
        avx2!((_mm256_min_ps(a.0, b.0), _mm256_min_ps(a.1, b.1)))
    }

    #[inline(always)]
    fn splat_int(x: i32) -> Self::I {
        let v = avx2!(_mm256_set1_epi32(x));
        (v, v)
    }

    #[inline(always)]
    unsafe fn splat_pair(x: *const i16) -> Self::I {
        // SAFETY: the caller promises two readable values.
        Self::splat_int(unsafe { x.cast::<i32>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_int(x: *const i32) -> Self::I {
        avx2!((_mm256_loadu_si256(x.cast()), _mm256_loadu_si256(x.add(8).cast())))
    }

    #[inline(always)]
    unsafe fn store_int(v: Self::I, x: *mut i32) {
        avx2!({
            _mm256_storeu_si256(x.cast(), v.0);
            _mm256_storeu_si256(x.add(8).cast(), v.1);
        });
    }

    #[inline(always)]
    fn dot(sum: Self::I, a: Self::I, b: Self::I) -> Self::I {
        avx2!((
            _mm256_add_epi32(sum.0, _mm256_madd_epi16(a.0, b.0)),
            _mm256_add_epi32(sum.1, _mm256_madd_epi16(a.1, b.1)),
        ))
    }

    #[inline(always)]
    fn pairs(first: Self::I, second: Self::I) -> Self::I {
        avx2!((
            _mm256_blend_epi16::<0xAA>(first.0, _mm256_slli_epi32::<16>(second.0)),
            _mm256_blend_epi16::<0xAA>(first.1, _mm256_slli_epi32::<16>(second.1)),
        ))
    }

    #[inline(always)]
    fn join(high: Self::I, low: Self::I) -> Self::I {
        avx2!((
            _mm256_add_epi32(_mm256_slli_epi32::<8>(high.0), low.0),
            _mm256_add_epi32(_mm256_slli_epi32::<8>(high.1), low.1),
        ))
    }

    #[inline(always)]
    fn to_float(v: Self::I) -> Self::V {
        avx2!((_mm256_cvtepi32_ps(v.0), _mm256_cvtepi32_ps(v.1)))
    }

    #[inline(always)]
    fn to_int(v: Self::V) -> Self::I {
        avx2!((_mm256_cvtps_epi32(v.0), _mm256_cvtps_epi32(v.1)))
    }

    #[inline(always)]
    unsafe fn store_short(v: Self::I, x: *mut i16) {
        avx2!({
            // The instruction packs each half of the registers on its own.
            let packed = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(v.0, v.1));
            _mm256_storeu_si256(x.cast(), packed);
        });
    }
}

/// Compiles a job for AVX2 and FMA, as a function of its own.
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
pub fn enter_avx2<S: Simd, J: Job>(job: J) -> J::Output {
    job.run::<S>()
}

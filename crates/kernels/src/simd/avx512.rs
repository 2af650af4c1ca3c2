//! Sixteen lanes as one 512-bit vector.

use core::arch::asm;
use core::arch::x86_64::*;

use super::vector::{Job, Sealed, Simd};

/// One 512-bit vector. Only [`super::engine`] and the products of bf16 values pass this type to a
/// job, after a check that the machine has AVX-512 F, BW, DQ and VL (and VNNI and AMX-INT8, if
/// `VNNI` and `AMX` are set), and inside a function compiled for them.
#[derive(Clone, Copy)]
pub struct Avx512<const FUSED: bool, const VNNI: bool = false, const AMX: bool = false>;

/// Calls intrinsics of AVX-512.
macro_rules! avx512 {
    ($($call:tt)*) => {{
        // SAFETY: the machine has AVX-512, as a job only gets `Avx512` after that was checked;
        // where an intrinsic takes a pointer, the caller promises that it is valid.
        unsafe { $($call)* }
    }};
}

impl<const FUSED: bool, const VNNI: bool, const AMX: bool> Sealed for Avx512<FUSED, VNNI, AMX> {}

impl<const FUSED: bool, const VNNI: bool, const AMX: bool> Simd for Avx512<FUSED, VNNI, AMX> {
    type V = __m512;
    type I = __m512i;
    const WIDE: bool = true;
    const TILES: bool = AMX;

    fn call<J: Job>(job: J) -> J::Output {
        if VNNI { avx512!(enter_avx512_vnni::<Self, J>(job)) } else { avx512!(enter_avx512::<Self, J>(job)) }
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

    #[inline(always)]
    fn splat_int(x: i32) -> Self::I {
        avx512!(_mm512_set1_epi32(x))
    }

    #[inline(always)]
    unsafe fn splat_pair(x: *const i16) -> Self::I {
        // SAFETY: the caller promises two readable values.
        Self::splat_int(unsafe { x.cast::<i32>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_int(x: *const i32) -> Self::I {
        avx512!(_mm512_loadu_si512(x.cast()))
    }

    #[inline(always)]
    unsafe fn store_int(v: Self::I, x: *mut i32) {
        avx512!(_mm512_storeu_si512(x.cast(), v));
    }

    #[inline(always)]
    fn dot(sum: Self::I, a: Self::I, b: Self::I) -> Self::I {
        if VNNI { avx512!(dot_vnni(sum, a, b)) } else { avx512!(_mm512_add_epi32(sum, _mm512_madd_epi16(a, b))) }
    }

    #[inline(always)]
    fn pairs(first: Self::I, second: Self::I) -> Self::I {
        avx512!(_mm512_mask_blend_epi16(0xAAAA_AAAA, first, _mm512_slli_epi32::<16>(second)))
    }

    #[inline(always)]
    fn join(high: Self::I, low: Self::I) -> Self::I {
        avx512!(_mm512_add_epi32(_mm512_slli_epi32::<8>(high), low))
    }

    #[inline(always)]
    fn to_float(v: Self::I) -> Self::V {
        avx512!(_mm512_cvtepi32_ps(v))
    }

    #[inline(always)]
    fn to_int(v: Self::V) -> Self::I {
        avx512!(_mm512_cvtps_epi32(v))
    }

    #[inline(always)]
    unsafe fn store_short(v: Self::I, x: *mut i16) {
        avx512!(_mm256_storeu_si256(x.cast(), _mm512_cvtepi32_epi16(v)));
    }
}

/// The intrinsic for this is split into a multiplication and an addition by the compiler (LLVM 22),
/// which takes twice as long where units are busy.
#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
fn dot_vnni(mut sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
    // SAFETY: the instruction is enabled.
    unsafe {
        asm!("vpdpwssd {}, {}, {}", inout(zmm_reg) sum, in(zmm_reg) a, in(zmm_reg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// Compiles a job for AVX-512, as a function of its own.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
#[inline(never)]
pub fn enter_avx512<S: Simd, J: Job>(job: J) -> J::Output {
    job.run::<S>()
}

/// Compiles a job for AVX-512 with VNNI, as a function of its own.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")]
#[inline(never)]
pub fn enter_avx512_vnni<S: Simd, J: Job>(job: J) -> J::Output {
    job.run::<S>()
}

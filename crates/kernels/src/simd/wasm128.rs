//! Sixteen lanes as four 128-bit vectors of WebAssembly.
//!
//! A module either has these instructions or does not start where they are missing, so that nothing
//! is checked at run time: [`super::engine`] uses this type in modules that are compiled with them.

use core::arch::wasm32::*;

use super::vector::{Job, Sealed, Simd};

/// Four 128-bit vectors. There is no fused multiply-add with a defined result.
#[derive(Clone, Copy)]
pub struct Wasm128;

impl Sealed for Wasm128 {}

type Four = (v128, v128, v128, v128);

#[inline(always)]
fn one(a: Four, f: impl Fn(v128) -> v128) -> Four {
    (f(a.0), f(a.1), f(a.2), f(a.3))
}

#[inline(always)]
fn two(a: Four, b: Four, f: impl Fn(v128, v128) -> v128) -> Four {
    (f(a.0, b.0), f(a.1, b.1), f(a.2, b.2), f(a.3, b.3))
}

/// Reads 64 bytes.
///
/// # Safety
/// `x` is valid for reading 64 bytes; no alignment is needed.
#[inline(always)]
unsafe fn load(x: *const v128) -> Four {
    // SAFETY: promised by the caller.
    unsafe { (v128_load(x), v128_load(x.add(1)), v128_load(x.add(2)), v128_load(x.add(3))) }
}

/// Writes 64 bytes.
///
/// # Safety
/// `x` is valid for writing 64 bytes; no alignment is needed.
#[inline(always)]
unsafe fn store(v: Four, x: *mut v128) {
    // SAFETY: promised by the caller.
    unsafe {
        v128_store(x, v.0);
        v128_store(x.add(1), v.1);
        v128_store(x.add(2), v.2);
        v128_store(x.add(3), v.3);
    }
}

impl Simd for Wasm128 {
    type V = Four;
    type I = Four;
    const WIDE: bool = false;
    const NARROW: bool = true;

    #[inline(never)]
    fn call<J: Job>(job: J) -> J::Output {
        job.run::<Self>()
    }

    #[inline(always)]
    fn splat(x: f32) -> Self::V {
        let v = f32x4_splat(x);
        (v, v, v, v)
    }

    #[inline(always)]
    unsafe fn load_ptr(x: *const f32) -> Self::V {
        // SAFETY: the caller promises 16 readable values.
        unsafe { load(x.cast()) }
    }

    #[inline(always)]
    unsafe fn store_ptr(v: Self::V, x: *mut f32) {
        // SAFETY: the caller promises 16 writable values.
        unsafe { store(v, x.cast()) }
    }

    #[inline(always)]
    fn add(a: Self::V, b: Self::V) -> Self::V {
        two(a, b, |a, b| f32x4_add(a, b))
    }

    #[inline(always)]
    fn sub(a: Self::V, b: Self::V) -> Self::V {
        two(a, b, |a, b| f32x4_sub(a, b))
    }

    #[inline(always)]
    fn mul(a: Self::V, b: Self::V) -> Self::V {
        two(a, b, |a, b| f32x4_mul(a, b))
    }

    #[inline(always)]
    fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        Self::add(Self::mul(a, b), c)
    }

    #[inline(always)]
    fn max(a: Self::V, b: Self::V) -> Self::V {
        // The instruction is b < a ? a : b for these operands, and b if either is a NaN.
        two(a, b, |a, b| f32x4_pmax(b, a))
    }

    #[inline(always)]
    fn min(a: Self::V, b: Self::V) -> Self::V {
        // a < b ? a : b, and b if either is a NaN.
        two(a, b, |a, b| f32x4_pmin(b, a))
    }

    #[inline(always)]
    fn splat_int(x: i32) -> Self::I {
        let v = i32x4_splat(x);
        (v, v, v, v)
    }

    #[inline(always)]
    unsafe fn splat_pair(x: *const i16) -> Self::I {
        // SAFETY: the caller promises two readable values.
        let v = unsafe { v128_load32_splat(x.cast()) };
        (v, v, v, v)
    }

    #[inline(always)]
    unsafe fn load_int(x: *const i32) -> Self::I {
        // SAFETY: the caller promises 16 readable values.
        unsafe { load(x.cast()) }
    }

    #[inline(always)]
    unsafe fn store_int(v: Self::I, x: *mut i32) {
        // SAFETY: the caller promises 16 writable values.
        unsafe { store(v, x.cast()) }
    }

    #[inline(always)]
    fn dot(sum: Self::I, a: Self::I, b: Self::I) -> Self::I {
        let products = two(a, b, |a, b| i32x4_dot_i16x8(a, b));
        two(sum, products, |sum, product| i32x4_add(sum, product))
    }

    #[inline(always)]
    fn pairs(first: Self::I, second: Self::I) -> Self::I {
        let low = i32x4_splat(0xFFFF);
        two(first, second, |first, second| v128_or(v128_and(first, low), i32x4_shl(second, 16)))
    }

    #[inline(always)]
    fn join(high: Self::I, low: Self::I) -> Self::I {
        two(high, low, |high, low| i32x4_add(i32x4_shl(high, 8), low))
    }

    #[inline(always)]
    fn to_float(v: Self::I) -> Self::V {
        one(v, |v| f32x4_convert_i32x4(v))
    }

    #[inline(always)]
    fn to_int(v: Self::V) -> Self::I {
        // Between 2^23 and 2^24 the last bit of a float is worth one, so that the sum is rounded to
        // an integer, ties to even. The instruction that converts saturates, which takes longer.
        const ONES: f32 = 12_582_912.0;
        let (ones, bits) = (f32x4_splat(ONES), i32x4_splat(ONES.to_bits() as i32));
        one(v, |v| i32x4_sub(f32x4_add(v, ones), bits))
    }

    #[inline(always)]
    unsafe fn store_short(v: Self::I, x: *mut i16) {
        let (low, high) = (i16x8_narrow_i32x4(v.0, v.1), i16x8_narrow_i32x4(v.2, v.3));
        // SAFETY: the caller promises 16 writable values, which are two vectors.
        unsafe {
            v128_store(x.cast(), low);
            v128_store(x.cast::<v128>().add(1), high);
        }
    }
}

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

/// `[f(0), f(1), … f(15)]`.
#[inline(always)]
fn int_lanes(f: impl Fn(usize) -> i32) -> [i32; 16] {
    let mut out = [0; 16];
    for i in 0..16 {
        out[i] = f(i);
    }
    out
}

/// The pairs in lanes, in the order of memory.
#[inline(always)]
fn shorts(v: [i32; 16]) -> [i16; 32] {
    // SAFETY: both arrays have the same size, and any bits are valid numbers.
    unsafe { std::mem::transmute(v) }
}

impl<const FUSED: bool, const WIDE: bool> Simd for Scalar<FUSED, WIDE> {
    type V = [f32; 16];
    type I = [i32; 16];
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
        if FUSED && cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
            lanes(|i| a[i].mul_add(b[i], c[i]))
        } else {
            lanes(|i| a[i] * b[i] + c[i])
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

    #[inline(always)]
    fn splat_int(x: i32) -> Self::I {
        [x; 16]
    }

    #[inline(always)]
    unsafe fn splat_pair(x: *const i16) -> Self::I {
        // SAFETY: the caller promises two readable values.
        [unsafe { x.cast::<i32>().read_unaligned() }; 16]
    }

    #[inline(always)]
    unsafe fn load_int(x: *const i32) -> Self::I {
        // SAFETY: the caller promises 16 readable values; `[i32; 16]` has the alignment of `i32`.
        unsafe { x.cast::<[i32; 16]>().read() }
    }

    #[inline(always)]
    unsafe fn store_int(v: Self::I, x: *mut i32) {
        // SAFETY: the caller promises 16 writable values; `[i32; 16]` has the alignment of `i32`.
        unsafe { x.cast::<[i32; 16]>().write(v) }
    }

    #[inline(always)]
    fn dot(sum: Self::I, a: Self::I, b: Self::I) -> Self::I {
        let (a, b) = (shorts(a), shorts(b));
        int_lanes(|i| {
            let product = |j: usize| i32::from(a[j]) * i32::from(b[j]);
            sum[i].wrapping_add(product(2 * i).wrapping_add(product(2 * i + 1)))
        })
    }

    #[inline(always)]
    fn pairs(first: Self::I, second: Self::I) -> Self::I {
        int_lanes(|i| {
            let [pair] = [[first[i] as i16, second[i] as i16]].map(|pair| pair.map(i16::to_ne_bytes));
            i32::from_ne_bytes([pair[0][0], pair[0][1], pair[1][0], pair[1][1]])
        })
    }

    #[inline(always)]
    fn join(high: Self::I, low: Self::I) -> Self::I {
        int_lanes(|i| (high[i] << 8).wrapping_add(low[i]))
    }

    #[inline(always)]
    fn to_float(v: Self::I) -> Self::V {
        lanes(|i| v[i] as f32)
    }

    #[inline(always)]
    fn to_int(v: Self::V) -> Self::I {
        // Between 2^23 and 2^24 the last bit of a float is worth one, so that the sum is rounded to
        // an integer, ties to even. `round_ties_even` would call into the C library on x86-64.
        const ONES: f32 = 12_582_912.0;
        int_lanes(|i| (v[i] + ONES).to_bits().wrapping_sub(ONES.to_bits()) as i32)
    }

    #[inline(always)]
    unsafe fn store_short(v: Self::I, x: *mut i16) {
        let mut shorts = [0; 16];
        for i in 0..16 {
            shorts[i] = v[i] as i16;
        }
        // SAFETY: the caller promises 16 writable values; `[i16; 16]` has the alignment of `i16`.
        unsafe { x.cast::<[i16; 16]>().write(shorts) }
    }
}

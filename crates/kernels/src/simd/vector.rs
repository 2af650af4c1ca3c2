//! The operations on vectors that kernels are written in, and the work that is compiled with them.

/// Keeps [`Simd`] to the types of this module, which exist for instruction sets that were checked.
pub trait Sealed {}

/// Operations on vectors of 16 lanes.
///
/// Implemented for each instruction set by a type that code outside of this crate cannot name: it
/// gets one through [`Job::run`], on a machine that has the instructions.
pub trait Simd: Sealed + Copy + Send + Sync + 'static {
    /// Sixteen `f32` lanes.
    type V: Copy;

    /// Sixteen `i32` lanes. Where a lane holds a pair of `i16`, the first is in its lower half in
    /// memory.
    type I: Copy;

    /// Whether the registers hold a matrix tile of 24 vectors and what it is computed from. The
    /// others hold one of 4.
    const WIDE: bool;

    /// Whether the registers hold no more than a matrix tile of 2 vectors of 16 lanes and what it is
    /// computed from.
    const NARROW: bool = false;

    /// Whether products of integers are computed by tiles.
    const TILES: bool = false;

    /// `x` in every lane.
    fn splat(x: f32) -> Self::V;

    /// Reads 16 values.
    ///
    /// # Safety
    /// `x` is valid for reading 16 values. No alignment beyond that of `f32` is needed.
    unsafe fn load_ptr(x: *const f32) -> Self::V;

    /// Writes 16 values.
    ///
    /// # Safety
    /// `x` is valid for writing 16 values. No alignment beyond that of `f32` is needed.
    unsafe fn store_ptr(v: Self::V, x: *mut f32);

    /// `a + b`.
    fn add(a: Self::V, b: Self::V) -> Self::V;

    /// `a − b`.
    fn sub(a: Self::V, b: Self::V) -> Self::V;

    /// `a·b`.
    fn mul(a: Self::V, b: Self::V) -> Self::V;

    /// `a·b + c`, rounded once or twice depending on the arithmetic.
    fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// `a > b ? a : b`; if either operand is a NaN, `b`.
    fn max(a: Self::V, b: Self::V) -> Self::V;

    /// `a < b ? a : b`; if either operand is a NaN, `b`.
    fn min(a: Self::V, b: Self::V) -> Self::V;

    /// `x` in every lane.
    fn splat_int(x: i32) -> Self::I;

    /// The pair of `i16` at `x` in every lane.
    ///
    /// # Safety
    /// `x` is valid for reading two values. No alignment beyond that of `i16` is needed.
    unsafe fn splat_pair(x: *const i16) -> Self::I;

    /// Reads 16 values.
    ///
    /// # Safety
    /// `x` is valid for reading 16 values. No alignment beyond that of `i32` is needed.
    unsafe fn load_int(x: *const i32) -> Self::I;

    /// Writes 16 values.
    ///
    /// # Safety
    /// `x` is valid for writing 16 values. No alignment beyond that of `i32` is needed.
    unsafe fn store_int(v: Self::I, x: *mut i32);

    /// `sum + a₀·b₀ + a₁·b₁` for the pairs of `i16` in each lane of `a` and `b`, modulo 2³². The
    /// pairs of `a` are not both −2¹⁵.
    fn dot(sum: Self::I, a: Self::I, b: Self::I) -> Self::I;

    /// Pairs of the lower halves of `first` and `second`.
    fn pairs(first: Self::I, second: Self::I) -> Self::I;

    /// `256·high + low` modulo 2³².
    fn join(high: Self::I, low: Self::I) -> Self::I;

    /// The nearest `f32`, ties to even.
    fn to_float(v: Self::I) -> Self::V;

    /// The nearest integer, ties to even, of values within ±2²².
    fn to_int(v: Self::V) -> Self::I;

    /// Writes the lanes as 16 `i16`. They lie within ±32,767.
    ///
    /// # Safety
    /// `x` is valid for writing 16 values.
    unsafe fn store_short(v: Self::I, x: *mut i16);

    /// Runs a job on the same instruction set and arithmetic as a function of its own, not inlined:
    /// for kernels that many others use.
    fn call<J: Job>(job: J) -> J::Output;

    /// Reads 16 values.
    #[inline(always)]
    fn load(x: &[f32; 16]) -> Self::V {
        // SAFETY: the reference covers 16 values.
        unsafe { Self::load_ptr(x.as_ptr()) }
    }

    /// Writes 16 values.
    #[inline(always)]
    fn store(v: Self::V, x: &mut [f32; 16]) {
        // SAFETY: the reference covers 16 values.
        unsafe { Self::store_ptr(v, x.as_mut_ptr()) }
    }

    /// Sum over lanes in a fixed order: the upper half is added to the lower until one lane is left
    /// (8, 4, 2, 1).
    #[inline(always)]
    fn sum(v: Self::V) -> f32 {
        let mut x = [0.0; 16];
        Self::store(v, &mut x);
        let mut width = 8;
        while width > 0 {
            for i in 0..width {
                x[i] += x[i + width];
            }
            width /= 2;
        }
        x[0]
    }
}

/// A piece of work that is compiled once per instruction set and arithmetic.
pub trait Job {
    /// What the work returns.
    type Output;

    /// Does the work.
    ///
    /// Implementations, and every function of theirs that calls one of `S`, must be
    /// `#[inline(always)]`: only then are they compiled for the instruction set, and the operations
    /// become single instructions instead of calls.
    fn run<S: Simd>(self) -> Self::Output;
}

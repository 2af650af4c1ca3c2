//! Sixteen `f32` lanes on every machine: the only vocabulary the kernels are written in.
//!
//! A kernel is generic over [`Simd`], which fixes two things at once: the instruction set ([`Isa`]) and whether
//! `a·b + c` is rounded once or twice ([`Arithmetic`]). Each lane is an independent IEEE-754 binary32 value and each
//! operation is rounded to nearest even, so for one arithmetic all of them give the same bits.

/// Instruction set a kernel runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Plain Rust. On AArch64 the compiler turns it into NEON, which is part of that architecture's baseline.
    Scalar,
    /// 256-bit vectors with fused multiply-add (x86-64 since 2013).
    Avx2,
    /// 512-bit vectors (AVX-512 F, BW, DQ, VL).
    Avx512,
}

impl Isa {
    /// Every instruction set this machine can run, slowest first. Never empty.
    pub fn available() -> Vec<Isa> {
        let mut sets = vec![Isa::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                sets.push(Isa::Avx2);
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                {
                    sets.push(Isa::Avx512);
                }
            }
        }
        sets
    }

    /// The fastest instruction set this machine can run. The answer is looked up once per process.
    pub fn best() -> Isa {
        static BEST: std::sync::OnceLock<Isa> = std::sync::OnceLock::new();
        *BEST.get_or_init(|| Isa::available().last().copied().unwrap_or(Isa::Scalar))
    }
}

/// How `a·b + c` is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// Product and sum are rounded each on its own. Decides latents; also used by exact decoding.
    Strict,
    /// One rounding (IEEE-754 `fusedMultiplyAdd`), in software where the machine has no instruction for it.
    Fused,
}

/// Vector operations on 16 lanes.
pub trait Simd: Copy + Send + Sync + 'static {
    /// Sixteen `f32` lanes.
    type V: Copy;
    /// True where a matrix tile of 24 vectors and what it is computed from fit the registers; otherwise it has 4.
    const WIDE: bool;

    fn splat(x: f32) -> Self::V;
    /// # Safety
    /// `x` is valid for reading 16 values. No alignment is needed.
    unsafe fn load_ptr(x: *const f32) -> Self::V;
    /// # Safety
    /// `x` is valid for writing 16 values. No alignment is needed.
    unsafe fn store_ptr(v: Self::V, x: *mut f32);
    fn add(a: Self::V, b: Self::V) -> Self::V;
    fn sub(a: Self::V, b: Self::V) -> Self::V;
    fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// `a·b + c`, rounded once or twice as the arithmetic says.
    fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a > b ? a : b`; with a NaN in either operand, `b`.
    fn max(a: Self::V, b: Self::V) -> Self::V;
    /// `a < b ? a : b`; with a NaN in either operand, `b`.
    fn min(a: Self::V, b: Self::V) -> Self::V;

    /// Runs a job on this same instruction set and arithmetic as a call of its own, not inlined: for kernels that many others use.
    fn call<J: Job>(job: J) -> J::Output;

    #[inline(always)]
    fn load(x: &[f32; 16]) -> Self::V {
        // SAFETY: the reference covers 16 values.
        unsafe { Self::load_ptr(x.as_ptr()) }
    }
    #[inline(always)]
    fn store(v: Self::V, x: &mut [f32; 16]) {
        // SAFETY: the reference covers 16 values.
        unsafe { Self::store_ptr(v, x.as_mut_ptr()) }
    }
    /// Sum over lanes in the fixed order: halves are added until one lane is left (8, 4, 2, 1).
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

/// Plain Rust; `FUSED` chooses the arithmetic.
#[derive(Clone, Copy)]
pub struct Scalar<const FUSED: bool>;

#[inline(always)]
fn lanes(f: impl Fn(usize) -> f32) -> [f32; 16] {
    let mut out = [0.0; 16];
    for (i, o) in out.iter_mut().enumerate() {
        *o = f(i);
    }
    out
}

/// Kept out of line: a few instructions per lane would bloat every kernel.
#[inline(never)]
fn fused_in_software(a: [f32; 16], b: [f32; 16], c: [f32; 16]) -> [f32; 16] {
    lanes(|i| fused(a[i], b[i], c[i]))
}

/// `a·b + c` rounded once, without the instruction and without the mathematics library, whose own is far slower.
///
/// The product is exact in binary64. The sum is rounded *to odd*: where it is inexact its last bit is made 1, in the
/// direction of what was lost. Binary64 has more than two bits to spare, so rounding that to binary32 cannot go wrong
/// twice (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
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

impl<const FUSED: bool> Simd for Scalar<FUSED> {
    type V = [f32; 16];
    const WIDE: bool = false;
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

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Job, Simd};
    use core::arch::x86_64::*;

    /// Two 256-bit vectors.
    #[derive(Clone, Copy)]
    pub struct Avx2<const FUSED: bool>;
    /// One 512-bit vector.
    #[derive(Clone, Copy)]
    pub struct Avx512<const FUSED: bool>;

    // SAFETY of every block below: the types are only reached through `Engine::run`, which enters them inside a
    // function compiled for, and after a run-time check of, the instruction sets they use. Pointer validity is the
    // caller's promise, stated on the trait.
    impl<const FUSED: bool> Simd for Avx2<FUSED> {
        type V = (__m256, __m256);
        const WIDE: bool = false;
        fn call<J: Job>(job: J) -> J::Output {
            unsafe { super::enter_avx2::<Self, J>(job) }
        }
        #[inline(always)]
        fn splat(x: f32) -> Self::V {
            let v = unsafe { _mm256_set1_ps(x) };
            (v, v)
        }
        #[inline(always)]
        unsafe fn load_ptr(x: *const f32) -> Self::V {
            unsafe { (_mm256_loadu_ps(x), _mm256_loadu_ps(x.add(8))) }
        }
        #[inline(always)]
        unsafe fn store_ptr(v: Self::V, x: *mut f32) {
            unsafe {
                _mm256_storeu_ps(x, v.0);
                _mm256_storeu_ps(x.add(8), v.1);
            }
        }
        #[inline(always)]
        fn add(a: Self::V, b: Self::V) -> Self::V {
            unsafe { (_mm256_add_ps(a.0, b.0), _mm256_add_ps(a.1, b.1)) }
        }
        #[inline(always)]
        fn sub(a: Self::V, b: Self::V) -> Self::V {
            unsafe { (_mm256_sub_ps(a.0, b.0), _mm256_sub_ps(a.1, b.1)) }
        }
        #[inline(always)]
        fn mul(a: Self::V, b: Self::V) -> Self::V {
            unsafe { (_mm256_mul_ps(a.0, b.0), _mm256_mul_ps(a.1, b.1)) }
        }
        #[inline(always)]
        fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
            if FUSED {
                unsafe { (_mm256_fmadd_ps(a.0, b.0, c.0), _mm256_fmadd_ps(a.1, b.1, c.1)) }
            } else {
                Self::add(Self::mul(a, b), c)
            }
        }
        #[inline(always)]
        fn max(a: Self::V, b: Self::V) -> Self::V {
            unsafe { (_mm256_max_ps(a.0, b.0), _mm256_max_ps(a.1, b.1)) }
        }
        #[inline(always)]
        fn min(a: Self::V, b: Self::V) -> Self::V {
            unsafe { (_mm256_min_ps(a.0, b.0), _mm256_min_ps(a.1, b.1)) }
        }
    }

    impl<const FUSED: bool> Simd for Avx512<FUSED> {
        type V = __m512;
        const WIDE: bool = true;
        fn call<J: Job>(job: J) -> J::Output {
            unsafe { super::enter_avx512::<Self, J>(job) }
        }
        #[inline(always)]
        fn splat(x: f32) -> Self::V {
            unsafe { _mm512_set1_ps(x) }
        }
        #[inline(always)]
        unsafe fn load_ptr(x: *const f32) -> Self::V {
            unsafe { _mm512_loadu_ps(x) }
        }
        #[inline(always)]
        unsafe fn store_ptr(v: Self::V, x: *mut f32) {
            unsafe { _mm512_storeu_ps(x, v) }
        }
        #[inline(always)]
        fn add(a: Self::V, b: Self::V) -> Self::V {
            unsafe { _mm512_add_ps(a, b) }
        }
        #[inline(always)]
        fn sub(a: Self::V, b: Self::V) -> Self::V {
            unsafe { _mm512_sub_ps(a, b) }
        }
        #[inline(always)]
        fn mul(a: Self::V, b: Self::V) -> Self::V {
            unsafe { _mm512_mul_ps(a, b) }
        }
        #[inline(always)]
        fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
            if FUSED { unsafe { _mm512_fmadd_ps(a, b, c) } } else { Self::add(Self::mul(a, b), c) }
        }
        #[inline(always)]
        fn max(a: Self::V, b: Self::V) -> Self::V {
            unsafe { _mm512_max_ps(a, b) }
        }
        #[inline(always)]
        fn min(a: Self::V, b: Self::V) -> Self::V {
            unsafe { _mm512_min_ps(a, b) }
        }
    }
}

/// A piece of work that is compiled once per instruction set and arithmetic.
pub trait Job {
    type Output;
    /// Must be `#[inline(always)]`, and so must all it calls, so that it is compiled for the instruction set's instructions.
    fn run<S: Simd>(self) -> Self::Output;
}

/// Where and how kernels compute. Cheap to copy and pass by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine {
    isa: Isa,
    arithmetic: Arithmetic,
}

impl Engine {
    /// An engine on the machine's best instruction set.
    pub fn new(arithmetic: Arithmetic) -> Engine {
        Engine { isa: Isa::best(), arithmetic }
    }

    /// An engine on a chosen instruction set, or `None` if this machine does not have it.
    pub fn at(isa: Isa, arithmetic: Arithmetic) -> Option<Engine> {
        Isa::available().contains(&isa).then_some(Engine { isa, arithmetic })
    }

    /// The instruction set in use.
    pub fn isa(self) -> Isa {
        self.isa
    }

    /// The arithmetic in use.
    pub fn arithmetic(self) -> Arithmetic {
        self.arithmetic
    }

    /// Runs a job on this engine's instruction set, in the calling thread.
    pub fn run<J: Job>(self, job: J) -> J::Output {
        match self.arithmetic {
            Arithmetic::Fused => run_fused(self.isa, job),
            Arithmetic::Strict => run_strict(self.isa, job),
        }
    }
}

// SAFETY of the calls below: `Isa::best` has found the instruction set, or a higher one that includes it, on this machine.

/// Runs a job in fused arithmetic. `isa` must be one that this machine has ([`Isa::available`]), else the scalar one
/// is taken.
pub fn run_fused<J: Job>(isa: Isa, job: J) -> J::Output {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if isa <= Isa::best() => unsafe { enter_avx512::<x86::Avx512<true>, J>(job) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 if isa <= Isa::best() => unsafe { enter_avx2::<x86::Avx2<true>, J>(job) },
        _ => job.run::<Scalar<true>>(),
    }
}

fn run_strict<J: Job>(isa: Isa, job: J) -> J::Output {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if isa <= Isa::best() => unsafe { enter_avx512::<x86::Avx512<false>, J>(job) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 if isa <= Isa::best() => unsafe { enter_avx2::<x86::Avx2<false>, J>(job) },
        _ => job.run::<Scalar<false>>(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
fn enter_avx2<S: Simd, J: Job>(job: J) -> J::Output {
    job.run::<S>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
#[inline(never)]
fn enter_avx512<S: Simd, J: Job>(job: J) -> J::Output {
    job.run::<S>()
}

#[cfg(test)]
mod tests {
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
            // Any bits; numbers of like size, whose sums cancel; few bits, whose sums lie half-way; special values.
            0 => f32::from_bits(next()),
            1 => f32::from_bits(0x3f00_0000 | (next() & 0x80ff_ffff)),
            2 => f32::from_bits((0x3f80_0000 + ((next() % 60) << 23) - (30 << 23)) | ((next() & 3) << 21)),
            _ => special[next() as usize % special.len()],
        };
        for kind in 0..400_000 {
            let (a, b, c) = (number(kind), number(kind / 4), number(kind / 16));
            let (ours, exact) = (fused(a, b, c), a.mul_add(b, c));
            assert!(ours.to_bits() == exact.to_bits() || (ours.is_nan() && exact.is_nan()), "{a:e}·{b:e} + {c:e}");
        }
    }
}

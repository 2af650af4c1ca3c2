//! The machine's peak: multiply-adds that touch nothing but registers.

use std::hint::black_box;

use heirloom_kernels::{Arithmetic, Engine, Job, Simd};

/// Independent sums. Two units of four cycles' latency need eight vectors; the registers hold that
/// many, and on [`Simd::WIDE`] instruction sets, which have twice as many, sixteen.
const FEW: usize = 6;
const MANY: usize = 16;
const STEPS: u64 = 20_000;

/// Multiply-adds without memory, each counted as two operations.
struct Loop;

impl Job for Loop {
    type Output = u64;

    #[inline(always)]
    fn run<S: Simd>(self) -> u64 {
        if S::WIDE { chains::<S, MANY>() } else { chains::<S, FEW>() }
    }
}

/// Runs `N` sums. Returns how many operations it did.
#[inline(always)]
fn chains<S: Simd, const N: usize>() -> u64 {
    let (factor, term) = (S::splat(black_box(0.999)), S::splat(black_box(0.001)));
    let mut sums = [S::splat(black_box(1.0)); N];
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = S::mul_add(*sum, factor, term);
        }
    }
    black_box(sums.map(S::sum));
    STEPS * N as u64 * 2 * 16
}

/// Keeps every thread of the current pool busy with multiply-adds for a while. Returns how many
/// operations they did.
pub fn on_all_threads(arithmetic: Arithmetic) -> u64 {
    rayon::broadcast(|_| Engine::new(arithmetic).run(Loop)).into_iter().sum()
}

/// Keeps every thread of the current pool busy with fused multiply-adds for about a millisecond.
/// Returns how many operations they did.
pub fn burst() -> u64 {
    (0..4).map(|_| on_all_threads(Arithmetic::Fused)).sum()
}

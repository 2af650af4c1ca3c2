//! The machine's peak: dot products of integers that touch nothing but registers.

use std::hint::black_box;

use heirloom_kernels::{Engine, Job, Simd};

/// Independent sums: enough to hide the latency of two units.
const FEW: usize = 5;
const MANY: usize = 16;
const STEPS: u64 = 20_000;

/// Dot products without memory, each of two multiply-adds a lane.
struct Loop;

impl Job for Loop {
    type Output = u64;

    #[inline(always)]
    fn run<S: Simd>(self) -> u64 {
        if S::WIDE { chains::<S, MANY>() } else { chains::<S, FEW>() }
    }
}

/// Runs `N` sums. Returns how many operations it did, two for each multiply-add.
#[inline(always)]
fn chains<S: Simd, const N: usize>() -> u64 {
    let b = S::splat_int(black_box(0x0001_0002));
    let mut sums = [S::splat_int(black_box(1)); N];
    for _ in 0..STEPS {
        for sum in &mut sums {
            // The sum is its own factor: the compiler moves a product of constants out of the loop.
            *sum = S::dot(*sum, *sum, b);
        }
    }
    black_box(sums.map(S::to_float).map(S::sum));
    STEPS * N as u64 * 2 * 2 * 16
}

/// Keeps every thread of the current pool busy with dot products for a while. Returns how many
/// operations they did.
pub fn on_all_threads(engine: Engine) -> u64 {
    rayon::broadcast(|_| engine.run(Loop)).into_iter().sum()
}

/// Keeps every thread of the current pool busy for about a millisecond, on the machine's best
/// instruction set. Returns how many operations they did.
pub fn burst() -> u64 {
    (0..4).map(|_| on_all_threads(Engine::default())).sum()
}

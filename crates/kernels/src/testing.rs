//! What the tests of several kernels share.

/// `n` values in [−1, 1), a sequence for each seed.
pub fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

/// `n` integers within ±`limit`, a sequence for each seed; the limits themselves are among them.
pub fn integers(n: usize, limit: i32, seed: u64) -> Vec<i32> {
    let number = |x: f32| ((x * 1.2 * limit as f32) as i32).clamp(-limit, limit);
    numbers(n, seed).into_iter().map(number).collect()
}

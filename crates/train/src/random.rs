//! Counter-based randomness: every number is a function of (seed, stream, index). Training resumed
//! at step n draws the same numbers as uninterrupted training, and there is no generator state to
//! store.

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Finaliser of SplitMix64: a bijection that mixes its input into all bits.
#[inline]
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A sequence of random numbers.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The sequence for `seed`, `stream` (its purpose) and `index` (number of the step, sample or
    /// tensor).
    pub fn new(seed: u64, stream: u64, index: u64) -> Self {
        let state = mix(mix(mix(seed.wrapping_add(GOLDEN)) ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93))
            ^ index.wrapping_mul(0xA24B_AED4_963E_E407));
        Self { state }
    }

    /// Draws 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// Draws uniformly from [0, 1): a multiple of 2^-24.
    #[inline]
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 * (1.0 / 16_777_216.0)
    }

    /// Draws uniformly from 0..n, with a negligible bias of at most n / 2^64. 0 for n = 0.
    #[inline]
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// Fills `out` uniformly from [-1/2, 1/2).
    pub fn fill_centred(&mut self, out: &mut [f32]) {
        for v in out {
            *v = self.unit() - 0.5;
        }
    }

    /// Draws from the standard normal distribution (Box–Muller).
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * f64::from(1.0 - self.unit()).ln()).sqrt();
        (radius * (std::f64::consts::TAU * f64::from(self.unit())).cos()) as f32
    }
}

/// Element `index` of the permutation of 0..n that belongs to `epoch`.
///
/// It is computed by cycle-walking a small Feistel network, so no list has to be kept.
pub fn shuffled(seed: u64, epoch: u64, index: usize, n: usize) -> usize {
    if n <= 1 {
        return 0;
    }
    let bits = usize::BITS - (n - 1).leading_zeros();
    let half = bits.div_ceil(2);
    let mask = (1u64 << half) - 1;
    let mut value = index as u64;
    loop {
        let (mut left, mut right) = (value >> half, value & mask);
        for round in 0..6u64 {
            let key = Random::new(seed, 0x5EED_0000 + round, epoch).bits();
            (left, right) = (right, left ^ (mix(right ^ key) & mask));
        }
        value = (left << half) | right;
        if value < n as u64 {
            return value as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffled_is_a_permutation_that_changes_with_the_epoch() {
        for n in [1usize, 2, 3, 7, 64, 1500] {
            let order: Vec<usize> = (0..n).map(|i| shuffled(5, 1, i, n)).collect();
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..n).collect::<Vec<_>>());
            if n > 60 {
                assert_ne!(order, (0..n).map(|i| shuffled(5, 2, i, n)).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn uniform_and_normal_have_their_moments() {
        let mut r = Random::new(1, 2, 3);
        let n = 200_000;
        let (mut mean, mut square) = (0f64, 0f64);
        let mut normal = 0f64;
        for _ in 0..n {
            let u = f64::from(r.unit());
            mean += u;
            square += u * u;
            normal += f64::from(r.normal()).powi(2);
        }
        assert!((mean / f64::from(n) - 0.5).abs() < 3e-3);
        assert!((square / f64::from(n) - 1.0 / 3.0).abs() < 3e-3);
        assert!((normal / f64::from(n) - 1.0).abs() < 2e-2);
    }
}

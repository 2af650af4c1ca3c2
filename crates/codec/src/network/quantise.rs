//! Quantisation of latents (Duan et al., CVPR 2024, section 4.2): residuals from posterior means,
//! and latents from residuals.

use rayon::prelude::*;

use heirloom_format::entropy::MAX_MAGNITUDE;
use heirloom_kernels::Map;

/// Number of values that one task works on.
const TASK: usize = 1 << 13;

/// Residuals k = round(q − μ), ties to even, within ±[`MAX_MAGNITUDE`]; 0 for NaN. Only the encoder
/// quantises.
#[must_use]
pub fn quantise(posterior_mean: &Map, prior_mean: &Map) -> Vec<i32> {
    let limit = MAX_MAGNITUDE as f32;
    let symbol = |q: f32, mean: f32| {
        // Between 2^23 and 2^24 the last bit of a float is worth one, so that the sum is rounded to
        // an integer, ties to even. `round_ties_even` would call into the C library on x86-64.
        const ONES: f32 = 12_582_912.0;
        (((q - mean).clamp(-limit, limit) + ONES) - ONES) as i32
    };
    let mut symbols = vec![0; posterior_mean.data.len()];
    let means = posterior_mean.data.par_chunks(TASK).zip(prior_mean.data.par_chunks(TASK));
    symbols.par_chunks_mut(TASK).zip(means).for_each(|(symbols, (posterior, prior))| {
        symbols.iter_mut().zip(posterior.iter().zip(prior)).for_each(|(k, (&q, &mean))| *k = symbol(q, mean));
    });
    symbols
}

/// Latent z = k + μ, in place of μ. |k| ≤ [`MAX_MAGNITUDE`] is exact in binary32; the sum is
/// rounded once.
pub fn dequantise(symbols: &[i32], prior_mean: Map) -> Map {
    let mut latent = prior_mean;
    latent.data.par_chunks_mut(TASK).zip(symbols.par_chunks(TASK)).for_each(|(values, symbols)| {
        values.iter_mut().zip(symbols).for_each(|(value, &symbol)| *value += symbol as f32);
    });
    latent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(data: &[f32]) -> Map {
        Map { height: 1, width: data.len(), channels: 1, data: data.to_vec() }
    }

    #[test]
    fn quantisation_rounds_to_even_and_never_overflows() {
        let q = row(&[0.5, 1.5, -0.5, -2.5, f32::NAN, f32::INFINITY, -1e30, 3.2]);
        let mean = row(&[0.0; 8]);
        assert_eq!(quantise(&q, &mean), [0, 2, 0, -2, 0, MAX_MAGNITUDE, -MAX_MAGNITUDE, 3]);
        let z = dequantise(&[1, -2], row(&[0.25, 0.5]));
        assert_eq!(z.data, [1.25, -1.5]);
        // More than one task, with residuals of all sizes and signs.
        let q: Vec<f32> = (0..3 * TASK + 5).map(|i| (i as f32 * 0.37).sin() * (i as f32 * 0.001).exp2()).collect();
        let mean: Vec<f32> = (0..q.len()).map(|i| (i as f32 * 0.71).cos()).collect();
        let plain = |i: usize| (q[i] - mean[i]).round_ties_even().clamp(-1048576.0, 1048576.0) as i32;
        let symbols: Vec<i32> = (0..q.len()).map(plain).collect();
        assert_eq!(quantise(&row(&q), &row(&mean)), symbols);
        let z: Vec<f32> = symbols.iter().zip(&mean).map(|(&k, mean)| mean + k as f32).collect();
        assert_eq!(dequantise(&symbols, row(&mean)).data, z);
    }
}

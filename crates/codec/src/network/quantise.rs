//! Quantisation of latents (Duan et al., CVPR 2024, section 4.2), with a step for each channel:
//! symbols from posterior means, and latents from symbols.

use rayon::prelude::*;

use super::prior::Prior;
use heirloom_format::entropy::MAX_MAGNITUDE;
use heirloom_kernels::Map;

/// Symbols k = round((q − μ) ÷ Δ), ties to even, within ±[`MAX_MAGNITUDE`]; 0 for NaN. Only the
/// encoder quantises.
#[must_use]
pub fn quantise(posterior_mean: &Map, prior: &Prior) -> Vec<i32> {
    let row = row_length(posterior_mean);
    let mut symbols = vec![0; posterior_mean.data.len()];
    let rows = posterior_mean.data.par_chunks(row).zip(prior.mean.data.par_chunks(row));
    symbols.par_chunks_mut(row).zip(rows).for_each(|(symbols, (posterior, mean))| {
        if prior.steps.is_empty() {
            symbols.iter_mut().zip(posterior.iter().zip(mean)).for_each(|(k, (q, mean))| *k = symbol(q - mean));
        } else {
            let steps = prior.steps.iter().cycle();
            let values = posterior.iter().zip(mean).zip(steps);
            symbols.iter_mut().zip(values).for_each(|(k, ((q, mean), step))| *k = symbol((q - mean) / step));
        }
    });
    symbols
}

/// Symbols of residuals (q − μ) ÷ Δ, as of [`quantise`].
#[cfg(feature = "effort")]
#[must_use]
pub fn quantise_residuals(residuals: &Map) -> Vec<i32> {
    residuals.data.iter().map(|&residual| symbol(residual)).collect()
}

#[inline(always)]
fn symbol(residual: f32) -> i32 {
    // Between 2^23 and 2^24 the last bit of a float is worth one, so that the sum is rounded to an
    // integer, ties to even. `round_ties_even` would call into the C library on x86-64.
    const ONES: f32 = 12_582_912.0;
    let limit = MAX_MAGNITUDE as f32;
    ((residual.clamp(-limit, limit) + ONES) - ONES) as i32
}

/// Latent z = k·Δ + μ, each operation rounded; |k| ≤ [`MAX_MAGNITUDE`] is exact in binary32.
#[must_use]
pub fn dequantise(symbols: &[i32], prior: Prior) -> Map {
    let Prior { mean: mut latent, steps, .. } = prior;
    let row = row_length(&latent);
    latent.data.par_chunks_mut(row).zip(symbols.par_chunks(row)).for_each(|(values, symbols)| {
        if steps.is_empty() {
            values.iter_mut().zip(symbols).for_each(|(value, &k)| *value += k as f32);
        } else {
            let steps = steps.iter().cycle();
            values.iter_mut().zip(symbols.iter().zip(steps)).for_each(|(value, (&k, step))| *value += k as f32 * step);
        }
    });
    latent
}

/// Values of a row of a map: what one task works on.
fn row_length(map: &Map) -> usize {
    (map.width * map.channels).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(data: &[f32]) -> Map {
        Map { height: 1, width: data.len(), channels: 1, data: data.to_vec() }
    }

    fn prior(mean: &[f32], steps: &[f32]) -> Prior {
        Prior { mean: row(mean), raw_scale: Map::default(), steps: steps.to_vec() }
    }

    #[test]
    fn quantisation_rounds_to_even_and_never_overflows() {
        let q = row(&[0.5, 1.5, -0.5, -2.5, f32::NAN, f32::INFINITY, -1e30, 3.2]);
        assert_eq!(quantise(&q, &prior(&[0.0; 8], &[])), [0, 2, 0, -2, 0, MAX_MAGNITUDE, -MAX_MAGNITUDE, 3]);
        assert_eq!(dequantise(&[1, -2], prior(&[0.25, 0.5], &[])).data, [1.25, -1.5]);
    }

    #[test]
    fn steps_belong_to_channels() {
        let map = |data: &[f32]| Map { height: 2, width: 1, channels: 2, data: data.to_vec() };
        let mean = map(&[0.0, 1.0, 0.5, 0.0]);
        let prior = Prior { mean, raw_scale: Map::default(), steps: vec![0.5, 2.0] };
        let symbols = quantise(&map(&[1.3, 4.9, -0.3, -3.2]), &prior);
        assert_eq!(symbols, [3, 2, -2, -2]);
        assert_eq!(dequantise(&symbols, prior).data, [1.5, 5.0, -0.5, -4.0]);
    }
}

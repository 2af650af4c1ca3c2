//! The choice of a probability table by the prior's raw scale output.

use rayon::prelude::*;

use super::EntropyError;
use super::tables_data::THRESHOLDS;

/// Number of scales, each with a probability table.
pub const SCALES: usize = 64;

/// Number of the table for a raw scale output: that of the log-spaced scale whose logarithm is
/// nearest to that of σ = exp(softplus(raw + 2.3) − 2.3).
///
/// This is the only function where a float determines how bytes are read, so it only compares: the
/// result is the number of the 63 committed thresholds that are `<= raw`. NaN gives 0.
#[inline]
#[must_use]
pub fn scale_index(raw: f32) -> u8 {
    // Branch-free binary search: the sum of the steps taken is the number of thresholds passed.
    let mut index = 0usize;
    for step in [32, 16, 8, 4, 2, 1] {
        let passed = raw >= f32::from_bits(THRESHOLDS[index + step - 1]);
        index += if passed { step } else { 0 };
    }
    index as u8
}

/// Writes the [`scale_index`] of every element of `raw` to `indices`. Surplus elements of the
/// longer slice are ignored.
pub fn scale_indices(raw: &[f32], indices: &mut [u8]) {
    const TASK: usize = 1 << 13;
    indices.par_chunks_mut(TASK).zip(raw.par_chunks(TASK)).for_each(|(indices, raw)| {
        indices.iter_mut().zip(raw).for_each(|(index, raw)| *index = scale_index(*raw));
    });
}

/// Checks the arguments of encoder and decoder.
pub(super) fn check_arguments(symbols: usize, indices: &[u8]) -> Result<(), EntropyError> {
    if symbols != indices.len() {
        return Err(EntropyError::LengthMismatch { symbols, indices: indices.len() });
    }
    // The maximum can be vectorised; the position is needed only for an error.
    if indices.iter().fold(0, |max, index| max.max(*index)) as usize >= SCALES {
        let bad = indices.iter().enumerate().find(|(_, index)| **index as usize >= SCALES);
        if let Some((position, index)) = bad {
            return Err(EntropyError::BadScaleIndex { position, index: *index });
        }
    }
    Ok(())
}

//! From the prior's raw scale output to the number of a probability table.

use rayon::prelude::*;

use super::EntropyError;
use super::tables_data::THRESHOLDS;

/// Number of scales, each with a probability table.
pub const SCALES: usize = 64;

/// Number of the table for a raw scale output: that of the log-spaced scale nearest to
/// σ = exp(softplus(raw + 2.3) − 2.3) in the logarithm.
///
/// This is the one place where a float decides how bytes are read, so it only compares: the result is how many of the 63
/// committed thresholds are `<= raw`. NaN gives 0.
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

/// [`scale_index`] of every element. Surplus elements of the longer slice are left alone.
pub fn scale_indices(raw: &[f32], indices: &mut [u8]) {
    const TASK: usize = 1 << 13;
    indices.par_chunks_mut(TASK).zip(raw.par_chunks(TASK)).for_each(|(indices, raw)| {
        indices.iter_mut().zip(raw).for_each(|(index, raw)| *index = scale_index(*raw));
    });
}

/// Checks what both directions demand of their arguments.
pub(super) fn check_arguments(symbols: usize, indices: &[u8]) -> Result<(), EntropyError> {
    if symbols != indices.len() {
        return Err(EntropyError::LengthMismatch { symbols, indices: indices.len() });
    }
    // The maximum vectorises; the position is only wanted in the unhappy case.
    if indices.iter().fold(0, |max, index| max.max(*index)) as usize >= SCALES {
        let bad = indices.iter().enumerate().find(|(_, index)| **index as usize >= SCALES);
        if let Some((position, index)) = bad {
            return Err(EntropyError::BadScaleIndex { position, index: *index });
        }
    }
    Ok(())
}

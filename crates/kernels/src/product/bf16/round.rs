//! Rounding of `f32` values to words of two bf16 values.

use std::arch::x86_64::*;
use std::mem::transmute;

use crate::extent::reach;
use crate::product::matrix::Matrix;

/// Words of a vector.
pub const LANES: usize = 16;

/// A mask of the first `n` ≤ 16 lanes.
fn first_lanes(n: usize) -> __mmask16 {
    ((1u32 << n) - 1) as __mmask16
}

/// Rounds a row of values into words.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub fn round_row(from: &[f32], to: &mut [f32]) {
    let (whole, rest) = from.as_chunks::<{ 2 * LANES }>();
    let (to, last) = to.as_chunks_mut::<LANES>().0.split_at_mut(whole.len());
    // SAFETY: each vector lies within its array, or is masked to the values that are there.
    unsafe {
        for (from, to) in whole.iter().zip(to) {
            let (low, high) = (_mm512_loadu_ps(from.as_ptr()), _mm512_loadu_ps(from.as_ptr().add(LANES)));
            _mm512_storeu_epi32(to.as_mut_ptr().cast(), words(_mm512_cvtne2ps_pbh(high, low)));
        }
        if let (false, Some(to)) = (rest.is_empty(), last.first_mut()) {
            let low = _mm512_maskz_loadu_ps(first_lanes(rest.len().min(LANES)), rest.as_ptr());
            let after = rest.as_ptr().wrapping_add(LANES);
            let high = _mm512_maskz_loadu_ps(first_lanes(rest.len().saturating_sub(LANES)), after);
            _mm512_storeu_epi32(to.as_mut_ptr().cast(), words(_mm512_cvtne2ps_pbh(high, low)));
        }
    }
}

/// Rounds a matrix into strips of `W` columns, `[strip][pair of rows][W]`, that begin `pitch` words
/// apart. Columns up to a multiple of 16 are written, those beyond the matrix as zeros.
///
/// # Panics
/// If `to` has no room for that.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub fn pair_columns<const W: usize>(from: Matrix, to: &mut [f32], pitch: usize) {
    let (rows, columns, stride) = (from.rows(), from.columns(), from.stride());
    let strips = columns.next_multiple_of(LANES).div_ceil(W);
    assert!(reach([(strips, pitch), (rows.div_ceil(2), W)], W) <= to.len(), "no room for the strips");
    // Where each half of a word comes from: the lower from the even row, the upper from the odd
    // one.
    let halves: [u16; 32] = std::array::from_fn(|i| (i / 2 + i % 2 * LANES) as u16);
    // SAFETY: loads are masked to the columns of rows of the matrix. Stores lie in the strips that
    // were checked: a vector of 16 columns is one piece of a strip of 16 columns or more, or two
    // strips of 8.
    unsafe {
        let halves = _mm512_loadu_epi16(halves.as_ptr().cast());
        for row in (0..rows).step_by(2) {
            for first in (0..columns).step_by(LANES) {
                let mask = first_lanes(LANES.min(columns - first));
                let at = from.values().as_ptr().add(row * stride + first);
                let even = _mm512_maskz_loadu_ps(mask, at);
                let odd =
                    if row + 1 < rows { _mm512_maskz_loadu_ps(mask, at.add(stride)) } else { _mm512_setzero_ps() };
                let both = _mm512_permutexvar_epi16(halves, words(_mm512_cvtne2ps_pbh(odd, even)));
                let to = to.as_mut_ptr().add(first / W * pitch + row / 2 * W + first % W);
                if W >= LANES {
                    _mm512_storeu_epi32(to.cast(), both);
                } else {
                    _mm256_storeu_si256(to.cast(), _mm512_castsi512_si256(both));
                    _mm256_storeu_si256(to.add(pitch).cast(), _mm512_extracti64x4_epi64(both, 1));
                }
            }
        }
    }
}

/// The words that a vector of halves is made of.
#[target_feature(enable = "avx512f")]
fn words(halves: __m512bh) -> __m512i {
    // SAFETY: both are 512 bits without invalid values.
    unsafe { transmute::<__m512bh, __m512i>(halves) }
}

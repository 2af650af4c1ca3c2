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
    // SAFETY: loads are masked to the columns of rows of the matrix. Stores lie in the strips that
    // were checked: a vector of 16 columns is one piece of a strip of 16 columns or more, or two
    // strips of 8.
    unsafe {
        for row in (0..rows).step_by(2) {
            for first in (0..columns).step_by(LANES) {
                let mask = first_lanes(LANES.min(columns - first));
                let at = from.values().as_ptr().add(row * stride + first);
                let even = _mm512_maskz_loadu_ps(mask, at);
                let odd =
                    if row + 1 < rows { _mm512_maskz_loadu_ps(mask, at.add(stride)) } else { _mm512_setzero_ps() };
                let both = pair(even, odd);
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

/// Rounds the transpose of a matrix: row i of `to` holds column i of `from`, and begins `pitch`
/// words after the one before. Both sides of a row of words are rounded up to multiples of 16, with
/// zeros.
///
/// # Panics
/// If `to` has no room for that.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub fn pair_rows(from: Matrix, to: &mut [f32], pitch: usize) {
    let (rows, columns, stride) = (from.rows(), from.columns(), from.stride());
    let words_of_row = rows.div_ceil(2).next_multiple_of(LANES);
    assert!(reach([(columns.next_multiple_of(LANES), pitch)], words_of_row) <= to.len(), "no room for the rows");
    for first in (0..columns).step_by(LANES) {
        let mask = first_lanes(LANES.min(columns - first));
        for block in (0..rows).step_by(2 * LANES) {
            // SAFETY: loads are masked to the columns of rows of the matrix. Stores lie in the rows
            // that were checked.
            unsafe {
                let row = |i: usize| match block + i < rows {
                    true => _mm512_maskz_loadu_ps(mask, from.values().as_ptr().add((block + i) * stride + first)),
                    false => _mm512_setzero_ps(),
                };
                let mut pairs = [_mm512_setzero_si512(); LANES];
                for i in 0..LANES {
                    pairs[i] = pair(row(2 * i), row(2 * i + 1));
                }
                let turned = transposed(pairs);
                for i in 0..LANES {
                    _mm512_storeu_epi32(to.as_mut_ptr().add((first + i) * pitch + block / 2).cast(), turned[i]);
                }
            }
        }
    }
}

/// Words of the values of two rows, each pair rounded: the lower half is of the even row.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn pair(even: __m512, odd: __m512) -> __m512i {
    // Where each half of a word comes from.
    const HALVES: [u16; 32] = {
        let mut halves = [0; 32];
        let mut i = 0;
        while i < 32 {
            halves[i] = (i / 2 + i % 2 * LANES) as u16;
            i += 1;
        }
        halves
    };
    // SAFETY: the array is as long as a vector.
    let halves = unsafe { _mm512_loadu_epi16(HALVES.as_ptr().cast()) };
    _mm512_permutexvar_epi16(halves, words(_mm512_cvtne2ps_pbh(odd, even)))
}

/// The transpose of 16 rows of 16 words.
#[target_feature(enable = "avx512f")]
fn transposed(rows: [__m512i; LANES]) -> [__m512i; LANES] {
    // Blocks of 4 × 4 words within each quarter of the vectors, then the quarters.
    let mut blocks = rows;
    for i in (0..LANES).step_by(4) {
        let [a, b, c, d] = [rows[i], rows[i + 1], rows[i + 2], rows[i + 3]];
        let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        blocks[i] = _mm512_unpacklo_epi64(ab_low, cd_low);
        blocks[i + 1] = _mm512_unpackhi_epi64(ab_low, cd_low);
        blocks[i + 2] = _mm512_unpacklo_epi64(ab_high, cd_high);
        blocks[i + 3] = _mm512_unpackhi_epi64(ab_high, cd_high);
    }
    let mut turned = blocks;
    for i in 0..4 {
        let [a, b, c, d] = [blocks[i], blocks[i + 4], blocks[i + 8], blocks[i + 12]];
        let (ab_even, ab_odd) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
        let (cd_even, cd_odd) = (_mm512_shuffle_i32x4::<0x88>(c, d), _mm512_shuffle_i32x4::<0xdd>(c, d));
        turned[i] = _mm512_shuffle_i32x4::<0x88>(ab_even, cd_even);
        turned[i + 4] = _mm512_shuffle_i32x4::<0x88>(ab_odd, cd_odd);
        turned[i + 8] = _mm512_shuffle_i32x4::<0xdd>(ab_even, cd_even);
        turned[i + 12] = _mm512_shuffle_i32x4::<0xdd>(ab_odd, cd_odd);
    }
    turned
}

/// The words that a vector of halves is made of.
#[target_feature(enable = "avx512f")]
fn words(halves: __m512bh) -> __m512i {
    // SAFETY: both are 512 bits without invalid values.
    unsafe { transmute::<__m512bh, __m512i>(halves) }
}

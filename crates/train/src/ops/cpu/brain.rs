//! Matrix products of bfloat16 values with sums in single precision, for processors that have them (AVX-512 BF16): two
//! multiply-adds a lane where single precision has one.
//!
//! Both sides are rounded to nearest even as they are packed. Two values that follow each other in a sum share a 32-bit word, the
//! earlier one in its lower half; a sum of odd length ends with half a word of zeros. Words are kept in buffers of `f32`, which
//! nothing else reads. Sums run in one order whatever the number of threads, but it is the processor's own: these products are for
//! learning, never for what a file means.

use std::arch::x86_64::*;
use std::cell::Cell;
use std::ops::Range;

use heirloom_kernels::gemm::{self, Left, PANEL, Start};
use heirloom_kernels::{Aligned, Isa};

/// Whether this machine has such products.
pub fn available() -> bool {
    Isa::best() == Isa::Avx512 && is_x86_feature_detected!("avx512bf16")
}

/// A right-hand matrix, rounded: panels of [`PANEL`] columns, each row of a panel holding the words of two rows.
#[derive(Debug)]
pub struct Packed {
    words: Aligned,
    k: usize,
    n: usize,
}

impl Packed {
    /// Rounds a packed matrix.
    ///
    /// # Panics
    /// Unless [`available`].
    pub fn new(single: &gemm::Packed) -> Packed {
        assert!(available(), "no products of bfloat16 here");
        let (k, n) = (single.k(), single.n());
        let pairs = k.div_ceil(2);
        let mut words = Aligned::zeros(n.div_ceil(PANEL) * pairs * PANEL);
        let panels = single.panels().chunks_exact((k * PANEL).max(1));
        for (from, to) in panels.zip(words.chunks_exact_mut((pairs * PANEL).max(1))) {
            // SAFETY: the features are there, and `PANEL` columns end with a whole vector.
            unsafe { pair_rows::<PANEL>(from, PANEL, PANEL, k, to, to.len()) };
        }
        Packed { words, k, n }
    }

    /// Rows (length of the sums).
    pub fn k(&self) -> usize {
        self.k
    }

    /// Columns (outputs).
    pub fn n(&self) -> usize {
        self.n
    }
}

thread_local! {
    /// The rounded left side, or both, of the product that runs on this thread.
    static ROUNDED: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Runs `product` with the thread's buffer, of at least `words` words.
fn with_rounded(words: usize, product: impl FnOnce(&mut [f32])) {
    let mut buffer = ROUNDED.take();
    if buffer.len() < words {
        buffer.resize(words, 0.0);
    }
    product(&mut buffer[..words]);
    ROUNDED.set(buffer);
}

/// As [`gemm::multiply`]. `rows` begins at an even row and ends at one or at the last; the values of a row of `a` lie side by side.
///
/// # Panics
/// If that is not so, or if a slice is too short for the shapes.
pub fn multiply(m: usize, a: Left, b: &Packed, rows: Range<usize>, start: Start, out: &mut [f32], stride: usize) {
    if m == 0 || b.n == 0 {
        return;
    }
    let k = rows.len();
    assert!(rows.start.is_multiple_of(2) && (rows.end.is_multiple_of(2) || rows.end == b.k), "rows cut in pairs");
    assert!(rows.end <= b.k && a.column == 1, "not this matrix");
    assert!(k == 0 || (m - 1) * a.row + k <= a.data.len(), "left matrix too short");
    let (pairs, all) = (k.div_ceil(2), b.k.div_ceil(2));
    let pitch = pairs.next_multiple_of(LANES);
    with_rounded(m * pitch, |rounded| {
        for (row, to) in rounded.chunks_exact_mut(pitch.max(1)).enumerate() {
            // SAFETY: a `Packed` shows that the features are there.
            unsafe { round_row(&a.data[row * a.row..][..k], to) };
        }
        let left = Words { data: rounded, row: pitch, pair: 1 };
        for (p, first) in (0..b.n).step_by(PANEL).enumerate() {
            let panel = &b.words[(p * all + rows.start / 2) * PANEL..][..pairs * PANEL];
            let columns = PANEL.min(b.n - first);
            let right = Words { data: panel, row: 1, pair: PANEL };
            // SAFETY: as above.
            unsafe {
                product(m, pairs, left, right, columns, start.columns(first, columns), &mut out[first..], stride)
            };
        }
    });
}

/// Columns of one packed block of the left side of a transposed product, and of one panel of its right side.
const BLOCK: usize = 8;
const SUM_PANEL: usize = 32;

/// Words between packed strips: without them, strips of a power of two rows would share few cache sets.
const SPACE: usize = 16;

/// As [`gemm::multiply_transposed`].
///
/// # Panics
/// Unless [`available`]; if a slice is too short for the shapes.
#[allow(clippy::too_many_arguments)] // a matrix product has this many extents
pub fn multiply_transposed(
    m: usize,
    k: usize,
    n: usize,
    a: &[f32],
    a_stride: usize,
    b: &[f32],
    b_stride: usize,
    start: Start,
    out: &mut [f32],
    stride: usize,
) {
    assert!(available(), "no products of bfloat16 here");
    let pairs = k.div_ceil(2);
    // Strips are written by whole vectors: two blocks at a time on the left.
    let (blocks, panels) = (m.div_ceil(LANES) * 2, n.div_ceil(SUM_PANEL));
    let (block_pitch, panel_pitch) = (pairs * BLOCK + SPACE, pairs * SUM_PANEL + SPACE);
    with_rounded(blocks * block_pitch + panels * panel_pitch, |rounded| {
        let (left, right) = rounded.split_at_mut(blocks * block_pitch);
        // SAFETY: the features are there, and both sides have room for columns up to a whole vector.
        unsafe {
            pair_rows::<BLOCK>(a, a_stride, m, k, left, block_pitch);
            pair_rows::<SUM_PANEL>(b, b_stride, n, k, right, panel_pitch);
        }
        for (p, panel) in right.chunks_exact(panel_pitch).enumerate() {
            let first = p * SUM_PANEL;
            let columns = SUM_PANEL.min(n - first);
            let right = Words { data: panel, row: 1, pair: SUM_PANEL };
            for (i, block) in left.chunks_exact(block_pitch).take(m.div_ceil(BLOCK)).enumerate() {
                let left = Words { data: block, row: 1, pair: BLOCK };
                let (rows, out) = (BLOCK.min(m - i * BLOCK), &mut out[i * BLOCK * stride + first..]);
                // SAFETY: as above.
                unsafe { product(rows, pairs, left, right, columns, start.columns(first, columns), out, stride) };
            }
        }
    });
}

const LANES: usize = 16;

/// A mask of the first `n` lanes, `n` up to 16.
fn first_lanes(n: usize) -> __mmask16 {
    ((1u32 << n) - 1) as __mmask16
}

/// Rounds a row of values into words.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn round_row(from: &[f32], to: &mut [f32]) {
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

/// Rounds `columns` columns of `rows` rows of `stride` values into strips of `W` columns, `[strip][pair][W]`, strips `pitch` words
/// apart. Columns up to a multiple of 16 are written, those beyond `columns` as zeros.
///
/// # Safety
/// `to` has strips for `columns` rounded up to a multiple of 16.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn pair_rows<const W: usize>(
    from: &[f32],
    stride: usize,
    columns: usize,
    rows: usize,
    to: &mut [f32],
    pitch: usize,
) {
    assert!(rows == 0 || (rows - 1) * stride + columns <= from.len(), "matrix too short");
    // Where each half of a word comes from: the lower from the even row, the upper from the odd one.
    let halves: [u16; 32] = std::array::from_fn(|i| (i / 2 + i % 2 * LANES) as u16);
    // SAFETY: loads are masked to the columns of a row; for the stores, see above. A vector of 16 columns is one piece of a strip, or
    // two strips.
    unsafe {
        let halves = _mm512_loadu_epi16(halves.as_ptr().cast());
        for row in (0..rows).step_by(2) {
            for first in (0..columns).step_by(LANES) {
                let mask = first_lanes(LANES.min(columns - first));
                let at = from.as_ptr().add(row * stride + first);
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

#[target_feature(enable = "avx512f")]
fn words(halves: __m512bh) -> __m512i {
    // SAFETY: both are 512 bits without meaning of their own.
    unsafe { std::mem::transmute(halves) }
}

#[target_feature(enable = "avx512f")]
fn halves(words: __m512i) -> __m512bh {
    // SAFETY: as above.
    unsafe { std::mem::transmute(words) }
}

/// One side of a product: word p of a row (left) or of a column (right) is `data[row·(its number) + pair·p]`.
#[derive(Clone, Copy)]
struct Words<'a> {
    data: &'a [f32],
    row: usize,
    pair: usize,
}

/// `m` rows of at most [`PANEL`] columns. Reads `columns` of `right`, rounded up to a multiple of 16.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
#[allow(clippy::too_many_arguments)] // a matrix product has this many extents
fn product(
    m: usize,
    pairs: usize,
    left: Words,
    right: Words,
    columns: usize,
    start: Start,
    out: &mut [f32],
    stride: usize,
) {
    let width = columns.next_multiple_of(LANES);
    assert!(pairs == 0 || (m - 1) * left.row + (pairs - 1) * left.pair < left.data.len(), "left matrix too short");
    assert!(pairs == 0 || (pairs - 1) * right.pair + width <= right.data.len(), "right matrix too short");
    assert!((m - 1) * stride + columns <= out.len(), "output too short");
    if let Start::Bias(bias) = start {
        assert!(bias.len() >= columns, "bias too short");
    }
    let mut row = 0;
    while row < m {
        let narrow = width <= 2 * LANES;
        let step = match m - row {
            8.. if narrow => 8,
            6.. if !narrow => 6,
            4.. => 4,
            2.. => 2,
            _ => 1,
        };
        let tile = match (step, width / LANES) {
            (8, 1) => tile::<8, 1>,
            (4, 1) => tile::<4, 1>,
            (2, 1) => tile::<2, 1>,
            (_, 1) => tile::<1, 1>,
            (8, 2) => tile::<8, 2>,
            (4, 2) => tile::<4, 2>,
            (2, 2) => tile::<2, 2>,
            (_, 2) => tile::<1, 2>,
            (6, 3) => tile::<6, 3>,
            (4, 3) => tile::<4, 3>,
            (2, 3) => tile::<2, 3>,
            (_, 3) => tile::<1, 3>,
            (6, _) => tile::<6, 4>,
            (4, _) => tile::<4, 4>,
            (2, _) => tile::<2, 4>,
            _ => tile::<1, 4>,
        };
        // SAFETY: the extents were checked above; the tile lies within rows `row..row + step` ≤ m and `width` columns.
        unsafe { tile(pairs, left, row, right, columns, start, out, stride) };
        row += step;
    }
}

/// One register tile: `R` rows × `16·N` columns.
///
/// # Safety
/// Rows `row..row+R` of `left` and `16·N` columns of `right` are there for all pairs; `columns`, of which the last vector may hold
/// less than 16, lie within `out` and `start`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
#[allow(clippy::too_many_arguments)]
unsafe fn tile<const R: usize, const N: usize>(
    pairs: usize,
    left: Words,
    row: usize,
    right: Words,
    columns: usize,
    start: Start,
    out: &mut [f32],
    stride: usize,
) {
    // SAFETY: promised by the caller.
    unsafe {
        let out = out.as_mut_ptr().add(row * stride);
        let masks: [__mmask16; N] = std::array::from_fn(|j| first_lanes(LANES.min(columns - LANES * j)));
        let mut sums = [[_mm512_setzero_ps(); N]; R];
        match start {
            Start::Zero => {}
            Start::Bias(bias) => {
                for j in 0..N {
                    let v = _mm512_maskz_loadu_ps(masks[j], bias.as_ptr().add(LANES * j));
                    for sums in &mut sums {
                        sums[j] = v;
                    }
                }
            }
            Start::Output => {
                for (r, sums) in sums.iter_mut().enumerate() {
                    for (j, sum) in sums.iter_mut().enumerate() {
                        *sum = _mm512_maskz_loadu_ps(masks[j], out.add(r * stride + LANES * j));
                    }
                }
            }
        }
        let mut a: *const i32 = left.data.as_ptr().add(row * left.row).cast();
        let mut b = right.data.as_ptr();
        for _ in 0..pairs {
            let mut across = [halves(_mm512_setzero_si512()); N];
            for (j, words) in across.iter_mut().enumerate() {
                *words = halves(_mm512_loadu_epi32(b.add(LANES * j).cast()));
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                let word = halves(_mm512_set1_epi32(*a.add(r * left.row)));
                for (sum, &across) in sums.iter_mut().zip(&across) {
                    *sum = _mm512_dpbf16_ps(*sum, word, across);
                }
            }
            a = a.wrapping_add(left.pair);
            b = b.wrapping_add(right.pair);
        }
        for (r, sums) in sums.iter().enumerate() {
            for (j, &sum) in sums.iter().enumerate() {
                _mm512_mask_storeu_ps(out.add(r * stride + LANES * j), masks[j], sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn uniform(random: &mut Random, n: usize) -> Vec<f32> {
        (0..n).map(|_| 2.0 * random.unit() - 1.0).collect()
    }

    /// To bfloat16, to nearest even; for values that are finite.
    fn rounded(x: f32) -> f64 {
        let bits = x.to_bits();
        f64::from(f32::from_bits(bits.wrapping_add(0x7fff + (bits >> 16 & 1)) & 0xffff_0000))
    }

    /// Σ of products of rounded values, in double precision.
    fn dot(k: usize, a: impl Fn(usize) -> f32, b: impl Fn(usize) -> f32) -> f64 {
        (0..k).map(|i| rounded(a(i)) * rounded(b(i))).sum()
    }

    /// Checks `m` rows of `n` of `stride` columns; what lies between them must be as before.
    fn check(what: &str, out: &[f32], before: &[f32], n: usize, stride: usize, want: impl Fn(usize, usize) -> f64) {
        for (i, (value, before)) in out.iter().zip(before).enumerate() {
            let (row, column) = (i / stride, i % stride);
            if column < n {
                let want = want(row, column);
                assert!((f64::from(*value) - want).abs() < 2e-5, "{what}: {value} at {row}, {column}, not {want}");
            } else {
                assert_eq!(value, before, "{what}: wrote beyond its columns");
            }
        }
    }

    #[test]
    fn products_are_those_of_rounded_values() {
        if !available() {
            return;
        }
        let mut random = Random::new(1, 3, 0);
        for m in [1, 2, 3, 5, 6, 8, 13, 40] {
            for k in [1, 2, 3, 15, 32, 33, 70] {
                for n in [1, 15, 16, 17, 32, 40, 48, 64, 65, 150] {
                    let what = format!("{m} x {k} x {n}");
                    let (pitch, stride) = (k + 3, n + 5);
                    let (a, b) = (uniform(&mut random, m * pitch), uniform(&mut random, k * n));
                    let (bias, before) = (uniform(&mut random, n), uniform(&mut random, m * stride));
                    let right = Packed::new(&gemm::Packed::new(&b, k, n));
                    // The upper half of the sum, then the lower.
                    let cut = k / 4 * 2;
                    let mut out = before.clone();
                    let upper = Left::rows(&a[cut..], pitch);
                    multiply(m, upper, &right, cut..k, Start::Bias(&bias), &mut out, stride);
                    multiply(m, Left::rows(&a, pitch), &right, 0..cut, Start::Output, &mut out, stride);
                    let all = |i, j| dot(k, |p| a[i * pitch + p], |p| b[p * n + j]);
                    check(&what, &out, &before, n, stride, |i, j| f64::from(bias[j]) + all(i, j));
                    multiply(m, Left::rows(&a, pitch), &right, 0..k, Start::Zero, &mut out, stride);
                    check(&what, &out, &before, n, stride, all);

                    let (pitch, rows) = (m + 2, n + 1);
                    let (a, b) = (uniform(&mut random, k * pitch), uniform(&mut random, k * rows));
                    let all = |i, j| dot(k, |p| a[p * pitch + i], |p| b[p * rows + j]);
                    multiply_transposed(m, k, n, &a, pitch, &b, rows, Start::Zero, &mut out, stride);
                    check(&what, &out, &before, n, stride, all);
                    multiply_transposed(m, k, n, &a, pitch, &b, rows, Start::Output, &mut out, stride);
                    check(&what, &out, &before, n, stride, |i, j| 2.0 * all(i, j));
                }
            }
        }
    }
}

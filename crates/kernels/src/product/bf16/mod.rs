//! Matrix products of bf16 values with sums in `f32`, for processors that have them: AVX-512 BF16,
//! with two multiply-adds per lane where `f32` has one, or AMX, with sixteen times as many.
//!
//! Both sides are rounded to nearest even as they are packed. Two consecutive factors of a sum
//! share a 32-bit word, the earlier one in its lower half; a sum of odd length ends with half a
//! word of zeros. Words are kept in buffers of `f32`, which nothing else reads. Sums run in one
//! order for any number of threads, but it is the processor's own order: these products are for
//! learning, never for what a file means.

mod amx;
mod round;
#[cfg(test)]
mod tests;

use std::arch::x86_64::*;
use std::cell::Cell;
use std::mem::transmute;
use std::ops::Range;

use super::matrix::{Matrix, MatrixMut};
use super::packed::{self, PANEL};
use super::start::Start;
use super::tile::{Columns, Factors, Left, Right};
use super::transposed::{BLOCK, SUM_PANEL, Strips};
use crate::aligned::Aligned;
use crate::simd::{Avx512, Isa};
use amx::{Rounded, SQUARE};
use round::{LANES, pair_columns, pair_rows, round_row};

/// Whether this machine has such products.
pub fn available() -> bool {
    Isa::best() >= Isa::Avx512 && is_x86_feature_detected!("avx512bf16")
}

/// Whether such products are so fast that three of them take less time than one of `f32`.
pub fn are_fast() -> bool {
    amx::available()
}

/// A right-hand matrix, rounded: panels of [`PANEL`] columns, each row of a panel holding the words
/// of two rows. It can only be made where products of bf16 are [`available`].
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
    pub fn new(single: &packed::Packed) -> Packed {
        assert!(available(), "this machine has no products of bf16");
        let (k, n) = (single.k(), single.n());
        let pairs = k.div_ceil(2);
        // AMX multiplies what follows the last rows by zeros.
        let mut words = Aligned::zeros((n.div_ceil(PANEL) * pairs + LANES) * PANEL);
        for (p, to) in words.chunks_exact_mut((pairs * PANEL).max(1)).enumerate().take(n.div_ceil(PANEL)) {
            let from = Matrix::new(single.panel(p, &(0..k)), k, PANEL, PANEL);
            let pitch = to.len();
            // SAFETY: the machine has the features, as was asserted.
            unsafe { pair_columns::<PANEL>(from, to, pitch) };
        }
        Packed { words, k, n }
    }

    /// Number of rows: the length of the sums.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Number of columns: the outputs.
    pub fn n(&self) -> usize {
        self.n
    }
}

thread_local! {
    /// The rounded left side, or both, of the product that runs on this thread.
    static ROUNDED: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Runs `product` with the thread's buffer of `words` words.
fn with_rounded(words: usize, product: impl FnOnce(&mut [f32])) {
    let mut buffer = ROUNDED.take();
    if buffer.len() < words {
        buffer.resize(words, 0.0);
    }
    product(&mut buffer[..words]);
    ROUNDED.set(buffer);
}

/// Like [`super::multiply`]. `rows` begins at an even row and ends at an even row or at the last.
///
/// # Panics
/// If that is not so, or if the shapes do not match.
pub fn multiply(a: Matrix, b: &Packed, rows: Range<usize>, start: Start, out: MatrixMut) {
    let (m, n, k) = (a.rows(), b.n, rows.len());
    assert!(rows.start.is_multiple_of(2) && (rows.end.is_multiple_of(2) || rows.end == b.k), "rows cut in pairs");
    assert!(rows.start <= rows.end && rows.end <= b.k, "rows are not within the right matrix");
    assert!(a.columns() == k && out.rows() == m && out.columns() == n, "shapes differ");
    if m == 0 || n == 0 {
        return;
    }
    let (pairs, all) = (k.div_ceil(2), b.k.div_ceil(2));
    let pitch = pairs.next_multiple_of(LANES);
    let by_tiles = amx::available() && k > 0;
    let (stride, out) = (out.stride(), out.into_values());
    with_rounded(m.next_multiple_of(SQUARE) * pitch, |rounded| {
        for (row, to) in rounded.chunks_exact_mut(pitch.max(1)).enumerate().take(m) {
            // SAFETY: the machine has the features, as there is a `Packed`.
            unsafe { round_row(a.row(row), to) };
        }
        for (p, first) in (0..n).step_by(PANEL).enumerate() {
            let columns = PANEL.min(n - first);
            let right = &b.words[(p * all + rows.start / 2) * PANEL..];
            let start = start.columns(first, columns);
            let out = &mut out[first..];
            if by_tiles {
                let steps = pitch / LANES;
                Rounded { m, steps, left: rounded, pitch, right, step: PANEL, columns, start }.multiply(out, stride);
            } else {
                let left = Left { data: rounded, row: pitch, step: 1 };
                let right = Right { data: &right[..pairs * PANEL], step: PANEL };
                // SAFETY: as above.
                unsafe { product(Columns { m, k: pairs, left, right, columns, start, out, stride }) };
            }
        }
    });
}

/// Like [`super::multiply_transposed`].
///
/// # Panics
/// Unless [`available`]; if the shapes do not match.
pub fn multiply_transposed(a: Matrix, b: Matrix, start: Start, out: MatrixMut) {
    assert!(available(), "this machine has no products of bf16");
    if amx::available() && a.rows() > 0 {
        return transposed_by_tiles(a, b, start, out);
    }
    // Strips are written by whole vectors: two blocks at a time on the left.
    let strips = Strips::new(a, b, a.rows().div_ceil(2), LANES);
    with_rounded(strips.values(), |rounded| {
        let (left, right) = strips.split(rounded);
        // SAFETY: the machine has the features, as was asserted.
        unsafe {
            pair_columns::<BLOCK>(a, left, strips.block_pitch);
            pair_columns::<SUM_PANEL>(b, right, strips.panel_pitch);
        }
        // SAFETY: as above.
        strips.multiply(left, right, start, out, |columns| unsafe { product(columns) });
    });
}

/// [`multiply_transposed`] by AMX, which the machine has.
fn transposed_by_tiles(a: Matrix, b: Matrix, start: Start, out: MatrixMut) {
    let (k, m, n) = (a.rows(), a.columns(), b.columns());
    assert!(b.rows() == k && out.rows() == m && out.columns() == n, "shapes differ");
    if m == 0 {
        return;
    }
    let words = k.div_ceil(2).next_multiple_of(LANES);
    let (pitch, strip) = (words + LANES, words * SUM_PANEL);
    let (stride, out) = (out.stride(), out.into_values());
    let rows = m.next_multiple_of(SQUARE) * pitch;
    with_rounded(rows + n.div_ceil(SUM_PANEL) * strip, |rounded| {
        let (left, right) = rounded.split_at_mut(rows);
        // SAFETY: there is AMX for bf16 only on machines that have these features.
        unsafe {
            pair_rows(a, left, pitch);
            pair_columns::<SUM_PANEL>(b, right, strip);
        }
        for (p, right) in right.chunks_exact_mut(strip).enumerate() {
            let first = p * SUM_PANEL;
            let columns = SUM_PANEL.min(n - first);
            right[k.div_ceil(2) * SUM_PANEL..].fill(0.0);
            let (steps, start) = (words / LANES, start.columns(first, columns));
            let product = Rounded { m, steps, left, pitch, right, step: SUM_PANEL, columns, start };
            product.multiply(&mut out[first..], stride);
        }
    });
}

/// Two bf16 values per lane.
struct Pairs;

impl Factors<Avx512<true>> for Pairs {
    #[inline(always)]
    fn multiply_add(a: __m512, b: __m512, sum: __m512) -> __m512 {
        // SAFETY: this is only reached through `product`, which is compiled for the instruction and
        // called where the machine has it; both types are 512 bits without invalid values.
        unsafe { _mm512_dpbf16_ps(sum, transmute::<__m512, __m512bh>(a), transmute::<__m512, __m512bh>(b)) }
    }
}

/// The product of some columns, with words as factors.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")]
#[inline(never)]
fn product(columns: Columns) {
    columns.run_with::<Avx512<true>, Pairs>();
}

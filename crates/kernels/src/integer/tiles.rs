//! Products of integers by AMX: tiles of 16 × 16 sums of 64 products of bytes at once.
//!
//! A value q of 16 bits is 256·h + l with a signed byte h and an unsigned byte l, so Σ q·w is
//! 256·Σ h·w + Σ l·w, modulo 2³² as everywhere.

use std::arch::asm;
use std::arch::x86_64::*;
use std::cell::Cell;

use super::finish::Finish;
use super::left::Left;
use super::linear::Linear;
use super::packed_bytes::{PANEL, STEP, STEP_OF_PANEL};
use crate::aligned::Aligned;
use crate::simd::amx::{SIDE, Tiles};
use crate::simd::{Isa, Simd};

/// About how many input values are split into bytes at a time, in whole rows: few enough for the
/// nearest cache. The weights of a panel are read once for all of these rows.
const VALUES: usize = 1 << 14;

/// Whether tiles multiply such inputs faster than vectors: not where a sum is a single step, as it
/// takes as long to read the sums back.
#[inline(always)]
pub fn are_faster(segments: &[Left<'_>]) -> bool {
    segments.len() > 1 || segments.iter().any(|left| left.k > STEP)
}

thread_local! {
    /// The bytes of some rows.
    static BYTES: Cell<Option<Aligned<i8>>> = const { Cell::new(None) };
}

/// As [`super::multiply`], which has checked all extents.
///
/// # Safety
/// The machine has AMX-INT8. The segments have `m` rows within their data.
#[inline(always)]
pub unsafe fn multiply<S: Simd, F: Finish<S>>(segments: &[Left<'_>], linear: &Linear, m: usize, finish: &mut F) {
    let weight = linear.bytes();
    let steps: usize = segments.iter().map(|left| left.k.div_ceil(STEP)).sum();
    assert!(Isa::Amx.is_available() && steps == weight.steps() && steps > 0, "inputs are not the layer's");
    let pitch = steps * STEP;
    let at_once = (VALUES / pitch).next_multiple_of(SIDE).max(2 * SIDE).min(m.next_multiple_of(SIDE));
    let mut bytes = BYTES.take().unwrap_or_else(|| Aligned::zeros(0));
    bytes.reserve(2 * at_once * pitch);
    {
        // SAFETY: the machine has AMX; no product runs within another on the same thread.
        let tiles = unsafe { Tiles::new() };
        let (high, low) = bytes.split_at_mut(at_once * pitch);
        // The sums of one block are finished while those of the next are computed: tiles in memory
        // can be read only some time after they were written.
        let (mut first_sums, mut second_sums) = (Sums([[0; SIDE]; 4 * SIDE]), Sums([[0; SIDE]; 4 * SIDE]));
        let (mut sums, mut before) = (&mut first_sums, &mut second_sums);
        let mut waiting: Option<Block> = None;
        for first in (0..m).step_by(at_once.max(1)) {
            let rows = at_once.min(m - first);
            // SAFETY: AMX includes AVX-512; the caller promises the rows.
            unsafe { split(segments, first, rows, high, low, pitch) };
            for (p, weights) in weight.data().chunks_exact(steps * STEP_OF_PANEL).enumerate() {
                for block in (0..rows).step_by(SIDE) {
                    let (high, low) = (&high[block * pitch..][..SIDE * pitch], &low[block * pitch..][..SIDE * pitch]);
                    // SAFETY: there are 16 rows of `steps` steps of bytes, and as many steps of
                    // weights.
                    unsafe { multiply_bytes(&tiles, steps, high, low, pitch, weights, sums) };
                    let block = Block { row: first + block, rows: SIDE.min(rows - block), column: p * PANEL };
                    if let Some(waiting) = waiting.replace(block) {
                        waiting.finish::<S, F>(before, linear, finish);
                    }
                    std::mem::swap(&mut sums, &mut before);
                }
            }
        }
        if let Some(waiting) = waiting {
            waiting.finish::<S, F>(before, linear, finish);
        }
    }
    BYTES.set(Some(bytes));
}

/// Up to 16 rows and 32 columns of outputs.
#[derive(Clone, Copy)]
struct Block {
    row: usize,
    rows: usize,
    column: usize,
}

impl Block {
    /// Hands over the outputs of these sums.
    #[inline(always)]
    fn finish<S: Simd, F: Finish<S>>(self, sums: &Sums, linear: &Linear, finish: &mut F) {
        let (high, low) = sums.0.split_at(2 * SIDE);
        for half in 0..2 {
            let column = self.column + half * SIDE;
            if column >= linear.outputs() {
                return;
            }
            let used = SIDE.min(linear.outputs() - column);
            // SAFETY: gains and biases are filled up to whole panels of 16 columns; a row of sums
            // has 16.
            unsafe {
                let gain = S::load_ptr(linear.gain.as_ptr().add(column));
                let bias = S::load_ptr(linear.bias.as_ptr().add(column));
                for r in 0..self.rows {
                    let at = half * SIDE + r;
                    let sum = S::join(S::load_int(high[at].as_ptr()), S::load_int(low[at].as_ptr()));
                    let outputs = S::add(S::mul(S::to_float(sum), gain), bias);
                    finish.take(self.row + r, column, used, outputs);
                }
            }
        }
    }
}

/// Writes the bytes of some rows, each segment filled up with zeros to whole steps.
///
/// # Safety
/// The rows lie within the segments' data. `high` and `low` have room for `rows` rows of `pitch`
/// bytes, and all steps of the segments take no more than that.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn split(segments: &[Left<'_>], first: usize, rows: usize, high: &mut [i8], low: &mut [i8], pitch: usize) {
    const LANES: usize = 32;
    for row in 0..rows {
        let mut at = row * pitch;
        for left in segments {
            // SAFETY: promised by the caller; loads are masked to the values that are there.
            unsafe {
                let from = left.data.as_ptr().add((first + row) * left.row);
                for k in (0..left.k.next_multiple_of(STEP)).step_by(LANES) {
                    let there = left.k.saturating_sub(k).min(LANES);
                    let mask = ((1u64 << there) - 1) as __mmask32;
                    let values = _mm512_maskz_loadu_epi16(mask, from.wrapping_add(k));
                    let bytes = _mm512_cvtepi16_epi8(values);
                    _mm256_storeu_si256(low.as_mut_ptr().add(at + k).cast(), bytes);
                    let bytes = _mm512_cvtepi16_epi8(_mm512_srai_epi16::<8>(values));
                    _mm256_storeu_si256(high.as_mut_ptr().add(at + k).cast(), bytes);
                }
            }
            at += left.k.next_multiple_of(STEP);
        }
    }
}

/// Tiles of sums: of the high bytes, for the first 16 columns and for the others, then of the low
/// bytes.
#[repr(align(64))]
struct Sums([[i32; SIDE]; 4 * SIDE]);

/// The sums of 16 rows and 32 columns.
///
/// # Safety
/// `steps` is not 0; `high` and `low` have 16 rows of as many steps, `pitch` bytes apart, and
/// `weights` has as many steps of a panel.
#[inline(always)]
unsafe fn multiply_bytes(
    _: &Tiles,
    steps: usize,
    high: &[i8],
    low: &[i8],
    pitch: usize,
    weights: &[i8],
    sums: &mut Sums,
) {
    debug_assert!(steps > 0 && high.len() >= SIDE * pitch && low.len() >= SIDE * pitch && pitch >= steps * STEP);
    debug_assert!(weights.len() >= steps * STEP_OF_PANEL);
    // SAFETY: the tiles are configured, as there is a `Tiles`; memory is accessed as promised by
    // the caller, and within `sums`.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "2:",
            "tileloadd tmm4, [{high} + {pitch}]",
            "tileloadd tmm6, [{weights} + {row}]",
            "tdpbssd tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{weights} + {row} + 1024]",
            "tdpbssd tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{low} + {pitch}]",
            "tdpbusd tmm2, tmm5, tmm6",
            "tdpbusd tmm3, tmm5, tmm7",
            "add {high}, 64",
            "add {low}, 64",
            "add {weights}, 2048",
            "dec {steps}",
            "jnz 2b",
            "tilestored [{sums} + {row}], tmm0",
            "tilestored [{sums} + {row} + 1024], tmm1",
            "tilestored [{sums} + {row} + 2048], tmm2",
            "tilestored [{sums} + {row} + 3072], tmm3",
            high = inout(reg) high.as_ptr() => _,
            low = inout(reg) low.as_ptr() => _,
            weights = inout(reg) weights.as_ptr() => _,
            steps = inout(reg) steps => _,
            pitch = in(reg) pitch,
            row = in(reg) STEP,
            sums = in(reg) sums.0.as_mut_ptr(),
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}

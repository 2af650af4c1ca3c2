//! Products of rounded matrices by AMX: tiles of 16 × 16 sums of 32 factors at once.

use std::arch::asm;

use crate::extent::reach;
use crate::product::start::Start;
use crate::simd::Isa;
use crate::simd::amx::{SIDE, Tiles, has_bf16};

/// Rows and columns of the outputs that are computed together: two tiles each.
pub const SQUARE: usize = 2 * SIDE;

/// Whether this machine has such products.
pub fn available() -> bool {
    Isa::best() >= Isa::Amx && has_bf16()
}

/// A product of rounded matrices. Rows of the left one are padded with zeros to whole `steps`, so the
/// rows that pad the right one may hold anything finite. Rows that pad the left one, and their
/// outputs, are ignored.
#[derive(Clone, Copy)]
pub struct Rounded<'a> {
    /// Rows of the outputs.
    pub m: usize,
    /// Length of the sums, in steps of [`SIDE`] words.
    pub steps: usize,
    /// Rows of `steps` · [`SIDE`] words, `m` rounded up to [`SQUARE`] of them, `pitch` words apart.
    pub left: &'a [f32],
    pub pitch: usize,
    /// `steps` · [`SIDE`] rows of `columns` words, rounded up to [`SQUARE`], `step` words apart.
    pub right: &'a [f32],
    pub step: usize,
    pub columns: usize,
    pub start: Start<'a>,
}

impl Rounded<'_> {
    /// Computes the product into rows of `out` that begin `stride` values apart.
    ///
    /// # Panics
    /// Unless [`available`]; if a slice is too short.
    pub fn multiply(self, out: &mut [f32], stride: usize) {
        let Rounded { m, steps, left, pitch, right, step, columns, start } = self;
        assert!(available(), "this machine has no AMX");
        assert!(m > 0 && columns > 0 && steps > 0, "nothing to multiply");
        let (words, rows) = (steps * SIDE, m.next_multiple_of(SQUARE));
        assert!(reach([(rows, pitch)], words) <= left.len(), "left matrix too short");
        assert!(reach([(words, step)], columns.next_multiple_of(SQUARE)) <= right.len(), "right matrix too short");
        assert!(reach([(m, stride)], columns) <= out.len(), "output too short");
        // SAFETY: the machine has AMX, and this is the only place where the thread has tiles.
        let tiles = unsafe { Tiles::new() };
        let mut edge = [0.0; SQUARE * SQUARE];
        for column in (0..columns).step_by(SQUARE) {
            let used = SQUARE.min(columns - column);
            let mut bias = [0.0; SQUARE];
            if let Start::Bias(values) = start {
                bias[..used].copy_from_slice(&values[column..column + used]);
            }
            let continued = matches!(start, Start::Output);
            for row in (0..m).step_by(SQUARE) {
                let height = SQUARE.min(m - row);
                let out = &mut out[row * stride + column..];
                let whole = height == SQUARE && used == SQUARE;
                if continued && !whole {
                    for (from, to) in out.chunks(stride).zip(edge.chunks_exact_mut(SQUARE)).take(height) {
                        to[..used].copy_from_slice(&from[..used]);
                    }
                }
                let (to, to_pitch) = if whole { (out.as_mut_ptr(), stride) } else { (edge.as_mut_ptr(), SQUARE) };
                let (from, from_pitch) = if continued { (to.cast_const(), to_pitch) } else { (bias.as_ptr(), 0) };
                // SAFETY: the rows of both sides lie within the slices, as asserted; `to` has room
                // for a square, in the output or in `edge`, and `from` has one, or one row of it.
                unsafe {
                    let (a, b) = (left.as_ptr().add(row * pitch), right.as_ptr().add(column));
                    square(&tiles, steps, (a, pitch), (b, step), (from, from_pitch), (to, to_pitch));
                }
                if !whole {
                    for (to, from) in out.chunks_mut(stride).zip(edge.chunks_exact(SQUARE)).take(height) {
                        to[..used].copy_from_slice(&from[..used]);
                    }
                }
            }
        }
    }
}

/// A square of outputs: `to = from + a·b`. Each matrix has a distance from row to row, in words.
///
/// # Safety
/// `steps` is not 0. Each pointer is valid for its matrix: [`SQUARE`] rows of `steps` · [`SIDE`]
/// words in `a`, as many rows of [`SQUARE`] words in `b`, and [`SQUARE`] rows of as many values in
/// `from` and `to`. `from` is `to`, or does not overlap it.
#[inline(always)]
unsafe fn square(
    _: &Tiles,
    steps: usize,
    (a, a_pitch): (*const f32, usize),
    (b, b_pitch): (*const f32, usize),
    (from, from_pitch): (*const f32, usize),
    (to, to_pitch): (*mut f32, usize),
) {
    const WORD: usize = size_of::<f32>();
    // SAFETY: the tiles are configured, as there is a `Tiles`; memory is accessed as promised by
    // the caller.
    unsafe {
        asm!(
            "tileloadd tmm0, [{from} + {from_pitch}]",
            "tileloadd tmm1, [{from} + {from_pitch} + 64]",
            "tileloadd tmm2, [{from_lower} + {from_pitch}]",
            "tileloadd tmm3, [{from_lower} + {from_pitch} + 64]",
            "2:",
            "tileloadd tmm4, [{a} + {a_pitch}]",
            "tileloadd tmm6, [{b} + {b_pitch}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{b} + {b_pitch} + 64]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{a_lower} + {a_pitch}]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {a}, 64",
            "add {a_lower}, 64",
            "lea {b}, [{b} + 8 * {b_pitch}]",
            "lea {b}, [{b} + 8 * {b_pitch}]",
            "dec {steps}",
            "jnz 2b",
            "tilestored [{to} + {to_pitch}], tmm0",
            "tilestored [{to} + {to_pitch} + 64], tmm1",
            "tilestored [{to_lower} + {to_pitch}], tmm2",
            "tilestored [{to_lower} + {to_pitch} + 64], tmm3",
            a = inout(reg) a => _,
            a_lower = inout(reg) a.add(SIDE * a_pitch) => _,
            b = inout(reg) b => _,
            steps = inout(reg) steps => _,
            from = in(reg) from,
            from_lower = in(reg) from.add(SIDE * from_pitch),
            from_pitch = in(reg) from_pitch * WORD,
            a_pitch = in(reg) a_pitch * WORD,
            b_pitch = in(reg) b_pitch * WORD,
            to = in(reg) to,
            to_lower = in(reg) to.add(SIDE * to_pitch),
            to_pitch = in(reg) to_pitch * WORD,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            options(nostack),
        );
    }
}

//! Matrix products in a chosen precision: of `f32` values, or of bf16 values where the machine has
//! them.

use std::ops::Range;

use serde::{Deserialize, Serialize};

#[cfg(target_arch = "x86_64")]
use super::bf16;
use super::matrix::{Matrix, MatrixMut};
use super::multiply::multiply;
use super::packed::Packed;
use super::start::Start;
use super::transposed::multiply_transposed;
use crate::simd::Simd;

/// Precision of the factors of matrix products while learning. Sums, and everything that is no such
/// product, are in `f32`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// `f32`.
    #[default]
    #[serde(rename = "f32")]
    Single,
    /// Values rounded to bf16 where the processor has products of them (AVX-512 BF16), else `f32`.
    #[serde(rename = "bf16")]
    Bf16,
}

#[cfg(target_arch = "x86_64")]
impl Precision {
    /// Whether products of this precision are computed in bf16 on this machine.
    fn is_bf16(self) -> bool {
        self == Precision::Bf16 && bf16::available()
    }
}

/// Whether three products of bf16 values take less time on this machine than one of `f32`: then
/// cutting `f32` values into sums of two bf16 values is a fast way to products that are nearly as
/// precise.
pub fn halves_are_faster() -> bool {
    #[cfg(target_arch = "x86_64")]
    return bf16::available() && bf16::are_fast();
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// A packed right-hand matrix in the precision of its products.
#[derive(Debug)]
pub struct Operand(Kind);

#[derive(Debug)]
enum Kind {
    Single(Packed),
    #[cfg(target_arch = "x86_64")]
    Bf16(bf16::Packed),
}

impl Operand {
    /// Rounds a packed matrix to a precision. `part` is the number of rows that each product uses:
    /// if it is odd and not all of them, the matrix stays in `f32`, as bf16 takes two rows at once.
    pub fn new(packed: Packed, part: usize, precision: Precision) -> Operand {
        #[cfg(target_arch = "x86_64")]
        if precision.is_bf16() && (part.is_multiple_of(2) || part >= packed.k()) {
            return Operand(Kind::Bf16(bf16::Packed::new(&packed)));
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (part, precision);
        Operand(Kind::Single(packed))
    }

    /// Number of rows: the length of the sums.
    pub fn k(&self) -> usize {
        match &self.0 {
            Kind::Single(packed) => packed.k(),
            #[cfg(target_arch = "x86_64")]
            Kind::Bf16(packed) => packed.k(),
        }
    }

    /// Number of columns: the outputs.
    pub fn n(&self) -> usize {
        match &self.0 {
            Kind::Single(packed) => packed.n(),
            #[cfg(target_arch = "x86_64")]
            Kind::Bf16(packed) => packed.n(),
        }
    }

    /// `out = start + A·B[rows]`: see [`multiply`].
    ///
    /// # Panics
    /// If the shapes do not match.
    #[inline(always)]
    pub fn multiply<S: Simd>(&self, a: Matrix, rows: Range<usize>, start: Start, out: MatrixMut) {
        match &self.0 {
            Kind::Single(b) => multiply::<S>(a, b, rows, start, out),
            #[cfg(target_arch = "x86_64")]
            Kind::Bf16(b) => bf16::multiply(a, b, rows, start, out),
        }
    }
}

/// `out = start + Aᵀ·B` in a precision: see [`multiply_transposed`].
///
/// # Panics
/// If the shapes do not match.
#[inline(always)]
pub fn multiply_transposed_in<S: Simd>(
    precision: Precision,
    a: Matrix,
    b: Matrix,
    start: Start,
    out: MatrixMut,
    scratch: &mut Vec<f32>,
) {
    #[cfg(target_arch = "x86_64")]
    if precision.is_bf16() {
        return bf16::multiply_transposed(a, b, start, out);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = precision;
    multiply_transposed::<S>(a, b, start, out, scratch);
}

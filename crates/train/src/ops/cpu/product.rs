//! Matrix products in the precision that is asked for: the codec's kernels, or products of bfloat16 where the machine has them.

use std::ops::Range;

use heirloom_kernels::Simd;
use heirloom_kernels::gemm::{self, Left, Packed, Start};

use super::super::Precision;
#[cfg(target_arch = "x86_64")]
use super::brain;

impl Precision {
    /// What this machine makes of it: without products of bfloat16, single precision.
    fn here(self) -> Precision {
        #[cfg(target_arch = "x86_64")]
        if brain::available() {
            return self;
        }
        Precision::Single
    }
}

/// A packed right-hand matrix.
#[derive(Debug)]
pub enum Right {
    Single(Packed),
    #[cfg(target_arch = "x86_64")]
    Brain(brain::Packed),
}

impl Right {
    /// `part` is the number of rows that are summed at a time: an odd one leaves single precision, as bfloat16 takes two at once.
    pub fn new(packed: Packed, part: usize, precision: Precision) -> Right {
        match precision.here() {
            #[cfg(target_arch = "x86_64")]
            Precision::Brain if part.is_multiple_of(2) || part >= packed.k() => {
                Right::Brain(brain::Packed::new(&packed))
            }
            _ => Right::Single(packed),
        }
    }

    /// Rows (length of the sums).
    pub fn k(&self) -> usize {
        match self {
            Right::Single(packed) => packed.k(),
            #[cfg(target_arch = "x86_64")]
            Right::Brain(packed) => packed.k(),
        }
    }

    /// Columns (outputs).
    pub fn n(&self) -> usize {
        match self {
            Right::Single(packed) => packed.n(),
            #[cfg(target_arch = "x86_64")]
            Right::Brain(packed) => packed.n(),
        }
    }
}

/// See [`gemm::multiply`].
#[inline(always)]
pub fn multiply<S: Simd>(
    m: usize,
    a: Left,
    b: &Right,
    rows: Range<usize>,
    start: Start,
    out: &mut [f32],
    stride: usize,
) {
    match b {
        Right::Single(b) => gemm::multiply::<S>(m, a, b, rows, start, out, stride),
        #[cfg(target_arch = "x86_64")]
        Right::Brain(b) => brain::multiply(m, a, b, rows, start, out, stride),
    }
}

/// See [`gemm::multiply_transposed`].
#[inline(always)]
#[allow(clippy::too_many_arguments)] // a matrix product has this many extents
pub fn multiply_transposed<S: Simd>(
    precision: Precision,
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
    scratch: &mut Vec<f32>,
) {
    match precision.here() {
        #[cfg(target_arch = "x86_64")]
        Precision::Brain => brain::multiply_transposed(m, k, n, a, a_stride, b, b_stride, start, out, stride),
        _ => gemm::multiply_transposed::<S>(m, k, n, a, a_stride, b, b_stride, start, out, stride, scratch),
    }
}

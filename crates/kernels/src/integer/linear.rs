//! The weights of an integer product.

use std::fmt;

use once_cell::race::OnceBox;

use super::input::{Bits, Input};
use super::packed::{PANEL, Packed};
#[cfg(target_arch = "x86_64")]
use super::packed_bytes::PackedBytes;
use crate::aligned::Aligned;

/// Weights, gains and biases of a product, and how its input becomes integers.
#[derive(Clone, Debug)]
pub struct Linear {
    /// `[Σ segments, n]`.
    weight: Vec<i8>,
    segments: Vec<usize>,
    outputs: usize,
    /// The weights as each kernel reads them, from its first product on.
    ///
    /// Threads that need them at once pack them each for itself, and none waits for another: in a
    /// process that forks meanwhile, the child would wait for a thread that it does not have.
    packed: OnceBox<Packed>,
    #[cfg(target_arch = "x86_64")]
    bytes: OnceBox<PackedBytes>,
    /// Gain and bias of each column, filled up with zeros to whole panels.
    pub(super) gain: Aligned<f32>,
    pub(super) bias: Aligned<f32>,
    input: Input,
}

/// Weights that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightError {
    /// A slice has another length than its shape.
    Length,
    /// The sum of a column can exceed 32 bits.
    Overflow {
        /// The column.
        column: usize,
    },
}

impl fmt::Display for WeightError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WeightError::Length => write!(f, "weights, gains or biases have another length than their shape"),
            WeightError::Overflow { column } => {
                write!(f, "the sum of column {column} can exceed 32 bits: its weights are too large for its input")
            }
        }
    }
}

impl std::error::Error for WeightError {}

impl Linear {
    /// Takes a row-major `[Σ segments, n]` matrix. `segments` are the lengths of the inputs whose
    /// values a sum runs over, one after the other; `gain` and `bias` have `n` values.
    ///
    /// # Errors
    /// Slices of wrong length, and a column whose sum could exceed 32 bits:
    /// m·Σ|w| ≥ 2³¹ for inputs within ±m.
    pub fn new(
        weight: &[i8],
        segments: &[usize],
        gain: &[f32],
        bias: &[f32],
        input: Input,
    ) -> Result<Linear, WeightError> {
        let n = bias.len();
        let k = segments.iter().try_fold(0usize, |k, &segment| k.checked_add(segment));
        let values = k.and_then(|k| k.checked_mul(n));
        if n == 0 || gain.len() != n || values != Some(weight.len()) {
            return Err(WeightError::Length);
        }
        check_sums(weight, n, &input)?;
        Ok(Linear {
            weight: weight.to_vec(),
            segments: segments.to_vec(),
            outputs: n,
            packed: OnceBox::new(),
            #[cfg(target_arch = "x86_64")]
            bytes: OnceBox::new(),
            gain: padded(gain),
            bias: padded(bias),
            input,
        })
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The weights for dot products of vectors.
    #[inline(always)]
    pub(super) fn packed(&self) -> &Packed {
        self.packed.get_or_init(|| Box::new(Packed::new(&self.weight, &self.segments, self.outputs)))
    }

    /// The weights for products by tiles.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn bytes(&self) -> &PackedBytes {
        self.bytes.get_or_init(|| Box::new(PackedBytes::new(&self.weight, &self.segments, self.outputs)))
    }

    /// Lengths of the inputs that a sum runs over, one after the other.
    pub fn segments(&self) -> &[usize] {
        &self.segments
    }

    /// How the input becomes integers.
    pub fn input(&self) -> &Input {
        &self.input
    }
}

/// Proves that no sum over the rows of a `[k, n]` matrix exceeds 32 bits.
pub(super) fn check_sums(weight: &[i8], n: usize, input: &Input) -> Result<(), WeightError> {
    match overflowing_column(weight, n, input.bits()) {
        Some(column) => Err(WeightError::Overflow { column }),
        None => Ok(()),
    }
}

/// The first column of a row-major matrix with `n` ≥ 1 columns whose sum can exceed 32 bits:
/// m·Σ|w| ≥ 2³¹ for inputs within ±m.
pub fn overflowing_column(weight: &[i8], n: usize, bits: Bits) -> Option<usize> {
    /// As many magnitudes of at most 128 as a sum of 16 bits holds.
    const ROWS: usize = 511;
    let (mut sums, mut part) = (vec![0u64; n], vec![0u16; n]);
    for rows in weight.chunks(ROWS * n) {
        part.fill(0);
        for row in rows.chunks_exact(n) {
            part.iter_mut().zip(row).for_each(|(sum, &w)| *sum += u16::from(w.unsigned_abs()));
        }
        sums.iter_mut().zip(&part).for_each(|(sum, &part)| *sum += u64::from(part));
    }
    let limit = u64::from(bits.limit().unsigned_abs());
    sums.iter().position(|&sum| sum.saturating_mul(limit) > i32::MAX as u64)
}

/// A copy, filled up with zeros to whole panels.
fn padded(values: &[f32]) -> Aligned<f32> {
    let mut padded = Aligned::zeros(values.len().next_multiple_of(PANEL));
    padded[..values.len()].copy_from_slice(values);
    padded
}

#[cfg(test)]
mod portable {
    use super::*;

    #[test]
    fn sums_that_could_overflow_are_refused() {
        // 516·127·32,767 < 2³¹ ≤ 517·127·32,767.
        let linear = |k: usize, bits| {
            let mut weight = vec![0i8; 2 * k];
            weight.iter_mut().skip(1).step_by(2).for_each(|w| *w = -127);
            Linear::new(&weight, &[k], &[1.0; 2], &[0.0; 2], Input::new(1.0, bits)).map(|linear| linear.outputs())
        };
        assert_eq!(linear(516, Bits::Sixteen), Ok(2));
        assert_eq!(linear(517, Bits::Sixteen), Err(WeightError::Overflow { column: 1 }));
        assert_eq!(linear(4096, Bits::Eight), Ok(2));
        // 133,144·127·127 < 2³¹ ≤ 133,145·127·127, over many parts of a sum.
        assert_eq!(linear(133_144, Bits::Eight), Ok(2));
        assert_eq!(linear(133_145, Bits::Eight), Err(WeightError::Overflow { column: 1 }));
        let short = Linear::new(&[1; 5], &[3], &[1.0; 2], &[0.0; 2], Input::new(1.0, Bits::Eight));
        assert_eq!(short.err(), Some(WeightError::Length));
    }
}

//! Matrix products of `f32` values with a fixed order of summation, for learning.
//!
//! `C[m, n] = start[m, n] + Σ_k A[m, k]·B[k, n]`: each output is accumulated in ascending `k` by
//! one chain of multiply-adds. Tiles, instruction sets and threads only choose *which* outputs are
//! computed together, never the order within one output, so the result is the same to the bit
//! however it is computed.

#[cfg(target_arch = "x86_64")]
mod bf16;
mod matrix;
mod multiply;
mod packed;
mod precision;
mod start;
mod tile;
mod transposed;

pub use matrix::{Matrix, MatrixMut};
pub use multiply::multiply;
pub use packed::Packed;
pub use precision::{Operand, Precision, halves_are_faster, multiply_transposed_in};
pub use start::Start;
pub use transposed::multiply_transposed;

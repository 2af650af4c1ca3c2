//! Sixteen `f32` lanes on every machine: the vocabulary that the kernels are written in.
//!
//! A kernel is generic over [`Simd`], which fixes two things at once: the instruction set ([`Isa`])
//! and whether `a·b + c` is rounded once or twice ([`Arithmetic`]). Each lane is an independent
//! IEEE-754 binary32 value, and each operation is rounded to nearest even, so for one arithmetic
//! all instruction sets give the same bits.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod engine;
mod isa;
mod scalar;
mod vector;

#[cfg(all(target_arch = "x86_64", feature = "training"))]
pub(crate) use avx512::Avx512;
pub use engine::{Engine, run_fused};
pub use isa::{Arithmetic, Isa};
#[cfg(test)]
pub(crate) use scalar::Scalar;
pub use vector::{Job, Simd};

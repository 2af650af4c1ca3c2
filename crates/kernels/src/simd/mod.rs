//! Sixteen lanes on every machine: the vocabulary that the kernels are written in.
//!
//! A kernel is generic over [`Simd`], which fixes the instruction set ([`Isa`]). Each `f32` lane is
//! an independent IEEE-754 binary32 value, and each operation is rounded to nearest even, so all
//! instruction sets give the same bits. Kernels for learning alone may also be compiled with fused
//! multiply-adds.

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod engine;
mod isa;
mod scalar;
mod vector;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm128;

#[cfg(all(target_arch = "x86_64", feature = "training"))]
pub(crate) use avx512::Avx512;
pub use engine::Engine;
#[cfg(any(test, feature = "training"))]
pub use engine::run_fused;
pub use isa::Isa;
#[cfg(test)]
pub(crate) use scalar::Scalar;
pub use vector::{Job, Simd};

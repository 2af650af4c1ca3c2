//! The arithmetic of the networks: feature maps, instruction sets, and the layers built on one matrix product.
//!
//! Everything here gives the same bits for any number of threads and any [`Isa`]; see `docs/ARITHMETIC.md`.

mod aligned;
pub mod block;
pub mod depthwise;
pub mod gemm;
pub mod layers;
mod map;
pub mod pointwise;
mod simd;

pub use aligned::Aligned;
pub use block::Block;
pub use layers::{Conv3x3, Dense, Down, Up};
pub use map::Map;
pub use simd::{Arithmetic, Engine, Isa, Job, Simd, run_fused};

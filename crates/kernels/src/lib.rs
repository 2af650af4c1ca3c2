//! The arithmetic of the Heirloom image codec: feature maps, instruction sets, and the layers of
//! its networks, built on exact products of integers.
//!
//! Every function of the codec gives the same bits for any number of threads and on any instruction
//! set ([`Isa`]). That is what keeps a file decodable on every machine; the rules are those of
//! `docs/ARITHMETIC.md` in the repository.
//!
//! ```
//! use heirloom_kernels::{Bits, Engine, Input, Isa, Linear, Map};
//!
//! // A 1×1 convolution from two channels to one, 3·a − b + 0.5, of inputs in steps of 1/8.
//! let input = Input::new(8.0, Bits::Sixteen);
//! let layer = Linear::new(&[3, -1], &[2], &[1.0 / 8.0], &[0.5], input)?;
//! let map = Map { height: 1, width: 2, channels: 2, data: vec![1.0, 2.0, 10.0, 20.0] };
//! let fast = Engine::default().dense(&layer, &[&map]);
//! assert_eq!(fast.data, [1.5, 10.5]);
//!
//! // Every instruction set that the machine has gives the same bits.
//! for isa in Isa::available() {
//!     let engine = Engine::at(isa).expect("it is available");
//!     assert_eq!(engine.dense(&layer, &[&map]), fast);
//! }
//! # Ok::<(), heirloom_kernels::WeightError>(())
//! ```
//!
//! # Layout
//!
//! | module | contents |
//! |---|---|
//! | [`simd`] | vectors of 16 lanes on each instruction set, and [`Engine`], which picks one |
//! | [`integer`] | products and depthwise convolutions of integers |
//! | [`layers`] | the layers of the networks |
//! | `product` | matrix products of floats and of bf16 (feature `training`) |
//! | `training` | forward and backward of the layers over a batch, in floats (feature `training`) |
//!
//! # Safety
//!
//! All unsafe code of the project is in this crate. Raw pointers are only used behind a check of
//! every extent, in arithmetic that cannot overflow; the types of instruction sets can only be
//! reached on machines that have them. The kernels run under Miri in their portable form, on one
//! thread:
//!
//! ```text
//! cargo +nightly miri test -p heirloom-kernels --features training --lib portable
//! ```
//!
//! # Speed
//!
//! Kernels are generic over [`simd::Simd`] and must be inlined into a function that is compiled for
//! the instruction set. They are therefore written with `#[inline(always)]` and with loops over
//! indices: an iterator adapter that stays a call keeps a tile in memory.

#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![warn(missing_docs)]
// See "Speed" above.
#![allow(clippy::needless_range_loop)]

mod aligned;
pub mod allocator;
mod extent;
pub mod integer;
pub mod layers;
mod map;
#[cfg(feature = "training")]
pub mod product;
pub mod simd;
#[cfg(test)]
mod testing;
#[cfg(feature = "training")]
pub mod training;

pub use aligned::Aligned;
pub use integer::{Bits, Depthwise, Input, Linear, Peak, WeightError};
pub use layers::Block;
pub use map::Map;
#[cfg(feature = "training")]
pub use simd::run_fused;
pub use simd::{Engine, Isa, Job, Simd};

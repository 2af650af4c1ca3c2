//! The layers of the networks: 1×1, Down(r), Up(r), 3×3, the ConvNeXt block, and the operations
//! that the block is made of.
//!
//! All but the depthwise convolution are products of integers ([`crate::integer`]) that read pixels
//! where they lie, without gathering patches.

mod block;
mod conv3x3;
mod dense;
mod depthwise;
pub mod pointwise;
mod resample;
mod ring;

pub use block::{Block, MAX_KERNEL};

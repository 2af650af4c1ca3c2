//! Forward and backward passes of the layers on slices, over a batch: what the trainer's operations
//! on the CPU run.
//!
//! They are built on the kernels of the codec, in fused arithmetic and with every sum in a fixed
//! order, so that results depend neither on the number of threads nor on their timing. Maps are
//! `[batch, height, width, channels]`. Functions panic if slices do not have the shapes they state.

pub mod activation;
pub mod block;
pub mod convolve;
pub mod dense;
pub mod depthwise;
mod elementary;
pub mod objective;
mod parts;
mod pointwise;
mod run;
mod scratch;
pub mod shuffle;
pub mod sums;
pub mod windows;

pub use run::run;

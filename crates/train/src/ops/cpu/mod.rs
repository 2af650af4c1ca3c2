//! Forward and backward of the layers on plain slices, for the CPU: what the custom operations in
//! [`super::fused`] run. Built on the codec's kernels, in fused arithmetic, with every sum in a fixed order, so that
//! results depend neither on the number of threads nor on their timing.

pub mod block;
pub mod depthwise;
pub mod linear;
pub mod pointwise;
mod scratch;

use heirloom_codec::kernels::{Arithmetic, Engine};

/// The engine training computes on.
pub fn engine() -> Engine {
    Engine::new(Arithmetic::Fused)
}

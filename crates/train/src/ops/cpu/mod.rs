//! Forward and backward of the layers on plain slices, for the CPU: what the custom operations in
//! [`super::fused`] run. Built on the codec's kernels, in fused arithmetic, with every sum in a fixed order, so that
//! results depend neither on the number of threads nor on their timing.

pub mod bend;
pub mod block;
#[cfg(target_arch = "x86_64")]
mod brain;
pub mod dense;
pub mod depthwise;
mod elementary;
pub mod linear;
pub mod objective;
mod parts;
pub mod pointwise;
pub mod product;
mod scratch;
pub mod shuffle;

use heirloom_kernels::{Isa, Job};

/// Runs a job as training does: on the machine's best instruction set, in fused arithmetic.
pub fn run<J: Job>(job: J) -> J::Output {
    heirloom_kernels::run_fused(Isa::best(), job)
}

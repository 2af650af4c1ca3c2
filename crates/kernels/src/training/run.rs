//! Where training computes.

use crate::simd::{Isa, Job, run_fused};

/// Runs a job as training does: on the machine's best instruction set, in fused arithmetic.
pub fn run<J: Job>(job: J) -> J::Output {
    run_fused(Isa::best(), job)
}

//! Dispatch: runs a job compiled for one instruction set and arithmetic.

#[cfg(target_arch = "x86_64")]
use super::avx2::{Avx2, enter_avx2};
#[cfg(target_arch = "x86_64")]
use super::avx512::{Avx512, enter_avx512};
use super::isa::{Arithmetic, Isa};
use super::scalar::Scalar;
use super::vector::Job;

/// Where and how kernels compute. Cheap to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine {
    isa: Isa,
    arithmetic: Arithmetic,
}

impl Engine {
    /// An engine on the machine's best instruction set.
    pub fn new(arithmetic: Arithmetic) -> Engine {
        Engine { isa: Isa::best(), arithmetic }
    }

    /// An engine on a chosen instruction set, or `None` if this machine does not have it.
    pub fn at(isa: Isa, arithmetic: Arithmetic) -> Option<Engine> {
        isa.is_available().then_some(Engine { isa, arithmetic })
    }

    /// The instruction set in use.
    pub fn isa(self) -> Isa {
        self.isa
    }

    /// The arithmetic in use.
    pub fn arithmetic(self) -> Arithmetic {
        self.arithmetic
    }

    /// Runs a job on this engine's instruction set, in the calling thread.
    pub fn run<J: Job>(self, job: J) -> J::Output {
        match self.arithmetic {
            Arithmetic::Fused => run::<true, J>(self.isa, job),
            Arithmetic::Strict => run::<false, J>(self.isa, job),
        }
    }
}

/// Runs a job in fused arithmetic. An instruction set that this machine lacks is replaced by
/// [`Isa::Scalar`], which gives the same bits.
///
/// Unlike [`Engine::run`], it does not compile the job for strict arithmetic as well.
pub fn run_fused<J: Job>(isa: Isa, job: J) -> J::Output {
    run::<true, J>(isa, job)
}

fn run<const FUSED: bool, J: Job>(isa: Isa, job: J) -> J::Output {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the guard has checked that this machine has the instruction set.
        Isa::Avx512 if isa.is_available() => unsafe { enter_avx512::<Avx512<FUSED>, J>(job) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 if isa.is_available() => unsafe { enter_avx2::<Avx2<FUSED>, J>(job) },
        _ => job.run::<Scalar<FUSED>>(),
    }
}

//! Dispatch: runs a job compiled for one instruction set.

#[cfg(target_arch = "x86_64")]
use super::avx2::{Avx2, enter_avx2};
#[cfg(target_arch = "x86_64")]
use super::avx512::{Avx512, enter_avx512, enter_avx512_vnni};
use super::isa::Isa;
use super::scalar::Scalar;
use super::vector::Job;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use super::wasm128::Wasm128;

/// The instruction set that kernels run on. Every operation is rounded on its own, so that results
/// do not depend on it. Cheap to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine {
    isa: Isa,
}

impl Default for Engine {
    /// An engine on the machine's best instruction set.
    fn default() -> Engine {
        Engine { isa: Isa::best() }
    }
}

impl Engine {
    /// An engine on a chosen instruction set, or `None` if this machine does not have it.
    pub fn at(isa: Isa) -> Option<Engine> {
        isa.is_available().then_some(Engine { isa })
    }

    /// The instruction set in use.
    pub fn isa(self) -> Isa {
        self.isa
    }

    /// Runs a job on this engine's instruction set, in the calling thread.
    pub fn run<J: Job>(self, job: J) -> J::Output {
        run::<false, J>(self.isa, job)
    }
}

/// Runs a job with fused multiply-adds where the instruction set has them, for learning, whose
/// results may depend on the machine. An instruction set that this machine lacks is replaced by
/// [`Isa::Scalar`].
#[cfg(any(test, feature = "training"))]
pub fn run_fused<J: Job>(isa: Isa, job: J) -> J::Output {
    run::<true, J>(isa, job)
}

fn run<const FUSED: bool, J: Job>(isa: Isa, job: J) -> J::Output {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the guard has checked that this machine has the instruction set; AMX includes VNNI.
        Isa::Amx if !FUSED && isa.is_available() => unsafe { enter_avx512_vnni::<Avx512<FUSED, true, true>, J>(job) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx512Vnni if !FUSED && isa.is_available() => unsafe { enter_avx512_vnni::<Avx512<FUSED, true>, J>(job) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above; VNNI includes AVX-512.
        Isa::Avx512 | Isa::Avx512Vnni | Isa::Amx if isa.is_available() => unsafe {
            enter_avx512::<Avx512<FUSED>, J>(job)
        },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 if isa.is_available() => unsafe { enter_avx2::<Avx2<FUSED>, J>(job) },
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Isa::Simd128 => job.run::<Wasm128>(),
        _ => job.run::<Scalar<FUSED>>(),
    }
}

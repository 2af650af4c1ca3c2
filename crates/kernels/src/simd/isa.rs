//! Instruction sets: where a kernel runs.

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use super::amx;

/// Instruction set a kernel runs on, slowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Plain Rust. On AArch64 the compiler turns it into NEON, which is part of that architecture's
    /// baseline.
    Scalar,
    /// 128-bit vectors of WebAssembly (SIMD128), in modules that are compiled with them.
    Simd128,
    /// 256-bit vectors with fused multiply-add (x86-64 since 2013).
    Avx2,
    /// 512-bit vectors (AVX-512 F, BW, DQ, VL).
    Avx512,
    /// 512-bit vectors with dot products of integers (AVX-512 VNNI).
    Avx512Vnni,
    /// The same, and tiles of 8-bit integers (AMX-INT8).
    Amx,
}

impl Isa {
    /// Every instruction set this machine can run, slowest first. Never empty.
    pub fn available() -> Vec<Isa> {
        let all = [Isa::Scalar, Isa::Simd128, Isa::Avx2, Isa::Avx512, Isa::Avx512Vnni, Isa::Amx];
        all.into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// The fastest instruction set this machine can run, or the one that the environment variable
    /// `HEIRLOOM_ISA` names (`scalar`, `avx2`, `avx512`, `avx512-vnni`, `amx`) if the machine has it. It is
    /// determined once per process.
    pub fn best() -> Isa {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let wanted = match std::env::var("HEIRLOOM_ISA").as_deref() {
                Ok("scalar") => Isa::Scalar,
                Ok("avx2") => Isa::Avx2,
                Ok("avx512") => Isa::Avx512,
                Ok("avx512-vnni") => Isa::Avx512Vnni,
                _ => Isa::Amx,
            };
            wanted.min(Isa::detected())
        })
    }

    /// Whether this machine can run the instruction set. Those of one architecture include those before
    /// them.
    pub fn is_available(self) -> bool {
        match self {
            // A matter of compilation, on an architecture without the others.
            Isa::Simd128 => cfg!(all(target_arch = "wasm32", target_feature = "simd128")),
            _ => self <= Isa::detected(),
        }
    }

    fn detected() -> Isa {
        static DETECTED: OnceLock<Isa> = OnceLock::new();
        *DETECTED.get_or_init(Isa::detect)
    }

    #[cfg(target_arch = "x86_64")]
    fn detect() -> Isa {
        if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
            return Isa::Scalar;
        }
        let wide = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        match (wide, is_x86_feature_detected!("avx512vnni")) {
            (true, true) if amx::has_int8() => Isa::Amx,
            (true, true) => Isa::Avx512Vnni,
            (true, false) => Isa::Avx512,
            _ => Isa::Avx2,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn detect() -> Isa {
        if cfg!(all(target_arch = "wasm32", target_feature = "simd128")) { Isa::Simd128 } else { Isa::Scalar }
    }
}

//! Instruction sets and arithmetics: where a kernel runs and how it rounds.

use std::sync::OnceLock;

/// Instruction set a kernel runs on, slowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Plain Rust. On AArch64 the compiler turns it into NEON, which is part of that architecture's
    /// baseline.
    Scalar,
    /// 256-bit vectors with fused multiply-add (x86-64 since 2013).
    Avx2,
    /// 512-bit vectors (AVX-512 F, BW, DQ, VL).
    Avx512,
}

impl Isa {
    /// Every instruction set this machine can run, slowest first. Never empty.
    pub fn available() -> Vec<Isa> {
        let all = [Isa::Scalar, Isa::Avx2, Isa::Avx512];
        all.into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// The fastest instruction set this machine can run. It is detected once per process.
    pub fn best() -> Isa {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(Isa::detect)
    }

    /// Whether this machine can run the instruction set. Each one includes those before it.
    pub fn is_available(self) -> bool {
        self <= Isa::best()
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
        if wide { Isa::Avx512 } else { Isa::Avx2 }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn detect() -> Isa {
        Isa::Scalar
    }
}

/// How `a·b + c` is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// The product and the sum are rounded separately. Decides latents; also used by exact
    /// decoding.
    Strict,
    /// Rounded once (IEEE-754 `fusedMultiplyAdd`), in software where the machine has no such
    /// instruction.
    Fused,
}

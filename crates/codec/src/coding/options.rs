//! Options of encoding and decoding.

use heirloom_format::container::Limits;
use heirloom_kernels::Isa;

/// Default limit of feature maps in bytes: 8 GiB, enough for about 100 megapixels with the paper's
/// model.
const DEFAULT_MEMORY: u64 = 8 << 30;

/// Options of encoding.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct EncodeOptions {
    /// The rate-distortion multiplier λ, within the encoder's range. Higher values give better
    /// images and larger files.
    pub lambda: f32,
    /// Limit of feature maps in bytes. Larger images are refused before memory is allocated.
    pub max_memory: u64,
    /// Instruction set; the fastest if `None`. It does not change the result.
    pub isa: Option<Isa>,
}

impl EncodeOptions {
    /// Default options for a λ.
    #[must_use]
    pub fn new(lambda: f32) -> Self {
        Self { lambda, max_memory: DEFAULT_MEMORY, isa: None }
    }
}

/// Options of decoding.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DecodeOptions {
    /// Limits of what a file may ask for.
    pub limits: Limits,
    /// Limit of feature maps in bytes. Larger images are refused before memory is allocated.
    pub max_memory: u64,
    /// Instruction set; the fastest if `None`. It does not change the result.
    pub isa: Option<Isa>,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self { limits: Limits::default(), max_memory: DEFAULT_MEMORY, isa: None }
    }
}

/// Whether a call that needs `needed` bytes of feature maps may take them. What no allocator can
/// give is refused whatever the caller allows.
pub(super) fn is_allowed(needed: u64, max_memory: u64) -> bool {
    needed <= max_memory.min(isize::MAX as u64)
}

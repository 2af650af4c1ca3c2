//! What a caller may choose.

use heirloom_format::container::Limits;
use heirloom_kernels::Isa;

/// Most bytes of feature maps that a call takes unless told otherwise: 8 GiB, some 100 megapixels with the paper's model.
const DEFAULT_MEMORY: u64 = 8 << 30;

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct EncodeOptions {
    /// λ: how much a squared error is worth against bits. Within the encoder's range; higher is better and larger.
    pub lambda: f32,
    /// Most bytes of feature maps to take; larger images are refused before memory is taken.
    pub max_memory: u64,
    /// Instruction set; the fastest if `None`. Changes no byte of the result.
    pub isa: Option<Isa>,
}

impl EncodeOptions {
    /// Default options for a λ.
    #[must_use]
    pub fn new(lambda: f32) -> Self {
        Self { lambda, max_memory: DEFAULT_MEMORY, isa: None }
    }
}

/// How to decode.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DecodeOptions {
    /// Strict arithmetic for the pixels too: the same pixels on any machine, for ever. Without it they are made with
    /// fused multiply-add, which is faster where the machine has it.
    pub exact: bool,
    /// What a file may ask for.
    pub limits: Limits,
    /// Most bytes of feature maps to take; larger images are refused before memory is taken.
    pub max_memory: u64,
    /// Instruction set; the fastest if `None`. Changes no pixel of the result.
    pub isa: Option<Isa>,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self { exact: false, limits: Limits::default(), max_memory: DEFAULT_MEMORY, isa: None }
    }
}

impl DecodeOptions {
    /// Default options, with strict arithmetic for the pixels.
    #[must_use]
    pub fn exact() -> Self {
        Self { exact: true, ..Self::default() }
    }
}

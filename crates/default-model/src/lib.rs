//! The weights of the default model of [Heirloom](https://github.com/heirloom-codec/heirloom), as the bytes of a model file.
//!
//! Most programs want the crate `heirloom`, which decodes with these weights unless told otherwise.
//!
//! `HEIRLOOM_DEFAULT_MODEL=FILE cargo build` builds around another model file.
#![forbid(unsafe_code)]

/// Bytes of the default model's file (safetensors).
///
/// The bytes are compiled into this crate and nowhere else: those of a constant, a static or an inlined function would also be in
/// the metadata that the compiler keeps for dependent crates.
#[inline(never)]
#[must_use]
pub fn bytes() -> &'static [u8] {
    include_bytes!(env!("HEIRLOOM_MODEL_TO_BUILD_IN"))
}

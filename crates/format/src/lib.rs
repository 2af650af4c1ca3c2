//! The bytes of an Heirloom file: the [`container`] with its sections and checksums, and the [`entropy`] coder that turns
//! latents into the bytes of a section and back.
//!
//! Nothing here knows of networks or models. `docs/FORMAT.md` is the specification.
#![forbid(unsafe_code)]

pub mod container;
pub mod entropy;

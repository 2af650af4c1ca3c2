//! The format of Heirloom files: the [`container`] with its sections and checksums, and the
//! [`entropy`] coder that turns latents into the bytes of a section and back.
//!
//! This crate does not depend on networks or models. `docs/FORMAT.md` is the specification. No
//! input makes it panic.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod container;
pub mod entropy;

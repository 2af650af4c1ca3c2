//! The Heirloom image codec as WebAssembly: the Rust half of the npm package `heirloom-web`.
//!
//! What is done where: TypeScript (`npm/`) loads modules and models, runs them in a worker, and gives up
//! on what takes too long; this crate checks what it is asked for, calls the codec (`coding`), and writes
//! PNG files (`png_file`). `bindings` is all that JavaScript sees, and exists in WebAssembly only, so that
//! everything else is tested on every machine.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod about;
#[cfg(target_arch = "wasm32")]
mod bindings;
pub mod coding;
pub mod failure;
pub mod pixels;
pub mod png_file;

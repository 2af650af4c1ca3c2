//! The C library of Heirloom: `heirloom.h` and what it declares.
//!
//! Decoding and encoding are handles with options (`decoder`, `encoder`), so that options can be added
//! without changing what is compiled already. Images and files cross over as plain structures (`image`), what
//! a file says about itself likewise (`info`), errors as a status and a text (`status`). Work is done in
//! threads that can be stopped (`threads`).
//!
//! Pointers from C are the only reason for unsafe code here: each function says in its documentation what
//! they must point to, and nothing else is relied upon. No panic crosses the border.
// The names are C's.
#![allow(non_camel_case_types)]
#![warn(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]

mod decoder;
mod encoder;
mod image;
mod info;
mod pointers;
mod status;
#[cfg(test)]
mod tests;
mod threads;

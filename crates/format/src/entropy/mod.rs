//! Entropy coding of latents: quantised residuals to bytes and back, in integer arithmetic alone.
//!
//! Every residual k = round(posterior mean − prior mean) is coded with one of 64 integer
//! probability tables, zero-mean Gaussians of 64 log-spaced scales from 0.11 to 20. [`scale_index`]
//! chooses the table from the network's raw scale output by comparison with committed numbers, so
//! that encoder and decoder can never disagree. Magnitudes beyond a table are written as an escape
//! and an Exp-Golomb code. The coder is interleaved rANS; `docs/FORMAT.md` specifies every
//! operation.
//!
//! ```
//! use heirloom_format::entropy::{decode_section, encode_section, scale_indices};
//!
//! let raw = [-3.0, 0.5, 0.5, 9.0]; // raw scale outputs of the prior
//! let residuals = [0, -1, 300, 12];
//! let mut indices = [0; 4];
//! scale_indices(&raw, &mut indices);
//!
//! let bytes = encode_section(&residuals, &indices)?;
//! let mut decoded = [0; 4];
//! decode_section(&bytes, &indices, &mut decoded)?;
//! assert_eq!(decoded, residuals);
//! # Ok::<(), heirloom_format::entropy::EntropyError>(())
//! ```
#![forbid(unsafe_code)]

mod decoder;
mod encoder;
mod error;
mod scale;
mod tables;
mod tables_data;

pub use decoder::{SectionDecoder, decode_section};
pub use encoder::{encode_section, encode_section_with};
pub use error::EntropyError;
pub use scale::{SCALES, scale_index, scale_indices};
pub use tables::{estimated_bits, frequencies, tables_hash};

/// Largest magnitude of a residual that can be coded.
pub const MAX_MAGNITUDE: i32 = 1 << 20;

/// Probabilities are counts out of 2^16.
const PRECISION: u32 = 16;
/// Mask of the slot, the part of a state that selects a symbol.
const SLOT_MASK: u64 = (1 << PRECISION) - 1;
/// Lower bound of a state: states stay in 2^20 ..= 2^36 − 1 between symbols. This is four bits
/// above the precision: with 2^16, the coarse steps of the smallest states would cost 0.1–0.17 % of
/// the rate; with 2^20 they cost less than 0.001 %, and half a byte per section.
const LOWER: u64 = 1 << 20;
/// Binary logarithm of the largest number of interleaved states in the format.
const MAX_STATES_LOG2: u32 = 3;
/// Bytes of a written state, except the first (see `docs/FORMAT.md`).
const STATE_BYTES: usize = 5;

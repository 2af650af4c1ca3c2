//! Products of integers: 8-bit weights, inputs quantised to 8 or 16 bits, exact 32-bit sums.
//!
//! An input value a becomes the integer q = round(min(max(a·r, −m), m)), ties to even, with the
//! multiplier r and the limit m of its layer ([`Input`]). The sum Σ q·w is exact, so its order does
//! not matter. An output is sum·g + b in binary32, each operation rounded, with a gain g and a bias
//! b for each column. `docs/ARITHMETIC.md` has the rules.

mod depthwise;
mod finish;
mod input;
mod left;
mod linear;
mod packed;
#[cfg(target_arch = "x86_64")]
mod packed_bytes;
mod product;
#[cfg(target_arch = "x86_64")]
mod tiles;

pub use depthwise::Depthwise;
pub(crate) use depthwise::PairRow;
pub(crate) use finish::{Add, AddAt, Finish, GeluQuantise, Write};
pub(crate) use input::Quantiser;
pub use input::{Bits, Input, Peak};
pub(crate) use left::Left;
pub use linear::{Linear, WeightError, overflowing_column};
pub(crate) use product::multiply;

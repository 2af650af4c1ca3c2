//! The layers over a batch that use windows of pixels: Down(r), Up(r) and 3×3, each a matrix
//! product between the pixels of a coarse map and strided windows of a fine one.

mod extents;
mod gather;
mod scatter;

pub use extents::Windows;
pub use gather::{gather, gather_weight_gradient};
pub use scatter::{scatter, scatter_weight_gradient, sum_windows};

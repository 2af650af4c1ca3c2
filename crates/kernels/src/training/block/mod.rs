//! The λ-conditioned ConvNeXt block, forward and backward, over a batch.

mod backward;
mod convolution;
mod extents;
mod forward;
mod gradients;

pub use backward::backward;
pub use extents::{Saved, Shape, Weights};
pub use forward::forward;
pub use gradients::{Gradients, WeightGradients};

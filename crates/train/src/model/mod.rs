//! The network as a training graph: parameters in one flat buffer, the forward pass in tensors.

pub mod initial;
pub mod network;
pub mod parameters;

pub use heirloom_codec::model::Spec;
pub use network::{Forward, Network, Quantise};
pub use parameters::{Layout, MatrixId, VectorId, Weights};

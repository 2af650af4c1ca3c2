//! The network as a training graph: parameters in one flat buffer, the forward pass in tensors, and the rate.

pub mod initial;
pub mod network;
pub mod parameters;
pub mod rate;

pub use heirloom_codec::model::Spec;
pub use network::{Forward, Network, Quantise};
pub use parameters::{Layout, MatrixId, VectorId, Weights};

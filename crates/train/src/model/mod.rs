//! Networks as training graphs: parameters in one flat buffer, the forward pass in tensors.

pub mod baseline;
mod block;
mod context;
pub mod initial;
pub mod lambda;
mod level;
mod linear;
pub mod moments;
pub mod network;
pub mod parameters;
mod proposed;
pub mod quantise;
pub mod system;

pub use heirloom_codec::model::Spec;
pub use lambda::Embeddings;
pub use level::{LevelInput, LevelOutput};
pub use network::{Features, Forward, Network};
pub use parameters::{Layout, MatrixId, VectorId, Weights};
pub use quantise::Quantise;
pub use system::{Coded, LatentState, System};

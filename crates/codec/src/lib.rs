//! Heirloom: a learned image codec whose files stay decodable while the model keeps learning.

pub mod container;
pub mod entropy;
pub mod image;
pub mod kernels;
pub mod model;
pub mod network;
#[doc(hidden)]
pub mod reference;

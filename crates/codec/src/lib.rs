//! Heirloom: a learned image codec whose files stay decodable while the model keeps learning.

pub mod kernels;
pub mod model;
#[doc(hidden)]
pub mod reference;

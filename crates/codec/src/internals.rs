//! Parts of the codec that the trainer, proofs, benchmarks and tests of this repository use. They
//! are not part of the public interface: they may change in any release, and may panic if misused.

/// Conversion of pixels to the network's values and back.
pub mod pixels {
    pub use crate::image::convert::{from_network, to_network};
}

/// The networks.
pub mod network {
    pub use crate::network::*;
}

/// Reference vectors.
pub mod reference {
    pub use crate::reference::*;
}

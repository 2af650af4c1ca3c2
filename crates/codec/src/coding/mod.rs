//! From images to files and back: through pixels, network, entropy coding and container.

mod calibrate;
mod decode;
mod encode;
mod error;
mod estimated_rate;
mod latents;
mod model;
mod options;
mod symbols;

pub use decode::Partial;
pub use encode::EncodeReport;
pub use error::{DecodeError, EncodeError, Fault};
pub use latents::{LatentError, Latents};
pub use model::Model;
pub use options::{DecodeOptions, EncodeOptions};

pub use calibrate::{artificial_images, calibrate};

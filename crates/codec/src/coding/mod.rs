//! From images to files and back: through pixels, tiles, network, entropy coding and container.

mod band;
mod calibrate;
mod canvas;
mod decode;
mod effort;
mod encode;
mod error;
mod estimated_rate;
mod fit_thumbnail;
mod latents;
mod lossless;
mod memory;
mod model;
mod options;
mod pixels;
mod rows;
mod safety_net;
mod scale;
#[cfg(feature = "effort")]
mod search;
mod symbols;
mod target;
mod thumbnail;
mod tile;

pub use calibrate::{artificial_images, calibrate};
pub use decode::{DecodeSummary, Partial};
pub use effort::{Effort, EffortError};
pub use encode::{EncodeReport, EncodeSummary};
pub use error::{DecodeError, EncodeError, Fault};
pub use latents::{LatentError, Latents};
pub use lossless::StreamError;
pub use model::Model;
pub use options::{AddOns, DecodeOptions, EncodeOptions, Lossless, Scale, Target, TileOptions};
pub use rows::{RowSink, RowSource, Spool};
pub use target::Targeted;

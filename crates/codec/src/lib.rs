//! The codec of Heirloom, a learned image codec whose files stay decodable while the model keeps
//! learning. Most programs want the crate `heirloom`, which embeds the default model and has a
//! smaller interface.
//!
//! A [`Model`] turns an [`Image`] into the bytes of a file, and back. [`model`] reads and writes
//! model files; [`image`] has the images in memory; the file format is the crate
//! [`heirloom_format`].
//!
//! ```
//! use heirloom_codec::image::PixelFormat;
//! use heirloom_codec::{DecodeOptions, EncodeOptions, Image, Model};
//!
//! # fn model_bytes() -> Result<Vec<u8>, heirloom_codec::model::ModelError> {
//! #     heirloom_codec::internals::reference::model(heirloom_codec::model::Spec::tiny())?.to_bytes()
//! # }
//! let model = Model::from_bytes(&model_bytes()?)?;
//! let image = Image::new(2, 1, PixelFormat::Rgb8, vec![255, 0, 0, 0, 0, 255])?;
//! let bytes = model.encode(&image, &EncodeOptions::new(256.0))?;
//! let decoded = model.decode(&bytes, &DecodeOptions::default())?;
//! assert_eq!((decoded.width(), decoded.height()), (2, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! No input makes the public interface panic. It does no input or output. Its results depend
//! neither on the number of threads (those of the current rayon pool) nor on the machine's
//! instruction set; only what is encoded with more [`Effort`] than 1 may differ between machines, and
//! decodes to the same pixels on all of them.
//!
//! The hidden module `internals` is for the trainer, proofs and benchmarks of this repository. It
//! is not part of the public interface, and none of this is promised for it.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod coding;
pub mod image;
#[doc(hidden)]
pub mod internals;
pub mod model;
mod network;
mod progress;
mod reference;
#[cfg(feature = "effort")]
mod refine;

pub use coding::{
    AddOns, DecodeError, DecodeOptions, DecodeSummary, Effort, EffortError, EncodeError, EncodeOptions, EncodeReport,
    EncodeSummary, Fault, LatentError, Latents, Lossless, Model, Partial, RowSink, RowSource, Scale, Spool,
    StreamError, Target, Targeted, TileOptions, artificial_images, calibrate,
};
pub use heirloom_kernels::Isa;
pub use image::Image;
pub use progress::{Progress, ProgressCallback};

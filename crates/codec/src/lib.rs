//! Heirloom: a learned image codec whose files stay decodable while the model keeps learning.
//!
//! A [`Model`] turns an [`Image`] into the bytes of a file and back. Data go one way through one module per stage:
//! [`image`] (pixel buffers) → [`network`] (encoder, entropy branch, reconstruction; built from [`kernels`]) →
//! [`entropy`] (integer tables, rANS) → [`container`] (sections, checksums), and back. [`model`] holds what a model is and
//! reads and writes its file.
//!
//! ```no_run
//! use heirloom_codec::image::PixelFormat;
//! use heirloom_codec::{DecodeOptions, EncodeOptions, Image, Model};
//!
//! let model = Model::from_bytes(&std::fs::read("model.safetensors")?)?;
//! let image = Image::new(2, 1, PixelFormat::Rgb8, vec![255, 0, 0, 0, 0, 255])?;
//! let bytes = model.encode(&image, &EncodeOptions::new(256.0))?;
//! let decoded = model.decode(&bytes, &DecodeOptions::default())?;
//! assert_eq!((decoded.width(), decoded.height()), (2, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! No input makes this crate panic, it does no input or output, and its results depend neither on the number of threads
//! (those of the current rayon pool) nor on the machine's instruction set.

mod codec;

pub mod image;

pub mod model;
pub mod network;
#[doc(hidden)]
pub mod reference;

pub use codec::{
    DecodeError, DecodeOptions, EncodeError, EncodeOptions, EncodeReport, Fault, LatentError, Latents, Model, Partial,
};
pub use image::Image;

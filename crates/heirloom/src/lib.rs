//! Heirloom is a learned image codec that keeps learning while every file it ever wrote stays
//! decodable.
//!
//! # Encoding and decoding
//!
//! [`encode`] and [`decode`] use the default model, which is embedded in this crate:
//!
//! ```
//! # #[cfg(feature = "default-model")] {
//! use heirloom::{EncodeOptions, Image, PixelFormat};
//!
//! let pixels = (0..64 * 48).flat_map(|i| [(i % 64 * 4) as u8, (i / 64 * 5) as u8, 128]).collect();
//! let image = Image::new(64, 48, PixelFormat::Rgb8, pixels)?;
//!
//! let bytes = heirloom::encode(&image, &EncodeOptions::quality(60.0))?;
//! let decoded = heirloom::decode(&bytes)?;
//!
//! assert_eq!((decoded.width(), decoded.height()), (64, 48));
//! assert!(bytes.len() < image.data().len() / 10);
//! # }
//! # Ok::<(), heirloom::Error>(())
//! ```
//!
//! [`info`] reads what a file says about itself without decoding pixels:
//!
//! ```
//! # #[cfg(feature = "default-model")] {
//! # use heirloom::{EncodeOptions, Image, PixelFormat};
//! # let image = Image::new(64, 48, PixelFormat::Grey8, vec![90; 64 * 48])?;
//! # let bytes = heirloom::encode(&image, &EncodeOptions::default())?;
//! let info = heirloom::info(&bytes)?;
//! println!("{} × {}, {:.2} bits per pixel", info.width, info.height, info.bits_per_pixel());
//! # assert_eq!((info.width, info.height, info.pixel_format), (64, 48, PixelFormat::Grey8));
//! # }
//! # Ok::<(), heirloom::Error>(())
//! ```
//!
//! # Options
//!
//! An [`Encoder`] and a [`Decoder`] hold options and can be used for many images, from several
//! threads at once:
//!
//! ```
//! # #[cfg(feature = "default-model")] {
//! use heirloom::{Decoder, Encoder};
//! # use heirloom::{Image, PixelFormat};
//! # let image = Image::new(64, 48, PixelFormat::Rgb8, vec![90; 64 * 48 * 3])?;
//!
//! let encoder = Encoder::new().quality(80.0).max_memory(2 << 30);
//! let decoder = Decoder::new().exact(true).max_pixels(50_000_000);
//!
//! let bytes = encoder.encode(&image)?;
//! let decoded = decoder.decode(&bytes)?;
//! # assert_eq!(decoded.format(), PixelFormat::Rgb8);
//!
//! // Of a file that was cut short, the part that arrived can still be shown.
//! let partial = decoder.decode_partial(&bytes[..bytes.len() - 1])?;
//! assert_eq!(partial.latents, 3);
//! assert_eq!(partial.problem.unwrap().kind(), heirloom::ErrorKind::CutShort);
//! # }
//! # Ok::<(), heirloom::Error>(())
//! ```
//!
//! Work is spread over the threads of the current rayon pool. To use fewer, call from inside
//! `rayon::ThreadPool::install`. Neither the number of threads nor the machine's instruction set
//! changes a byte of a file.
//!
//! # Models
//!
//! A model file holds one generation of a lineage. Every generation decodes all files of its
//! lineage; files of another lineage need a model of that lineage, which [`Model::from_bytes`]
//! reads and [`Decoder::model`] adds:
//!
//! ```
//! # #[cfg(feature = "default-model")] {
//! use heirloom::{Decoder, Encoder, Model};
//! # let image = heirloom::Image::new(8, 8, heirloom::PixelFormat::Grey8, vec![9; 64])?;
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("model.safetensors");
//! # std::fs::write(&path, heirloom_default_model::bytes())?;
//!
//! let model = Model::from_bytes(&std::fs::read(path)?)?;
//! let bytes = Encoder::with_model(model.clone()).lambda(256.0).encode(&image)?;
//! let decoded = Decoder::with_model(model).decode(&bytes)?;
//! # assert_eq!(decoded.width(), 8);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `default-model` | yes | [`encode`], [`decode`], `Encoder::new`, `Decoder::new`: the embedded default model |
//! | `image` | no | conversions from and to `image::DynamicImage`; `image_hook`: `image::open` reads `.hlm` files |
//!
//! # Errors
//!
//! Everything that can fail returns an [`Error`]. Its [`kind`](Error::kind) says whose fault it is;
//! its message says what is wrong, where, and what can be done. No input makes this crate panic.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod decoder;
mod encoder;
mod error;
#[cfg(feature = "image")]
pub mod image_hook;
mod info;
mod model;

pub use decoder::{Decoder, Partial};
pub use encoder::{DEFAULT_QUALITY, EncodeOptions, Encoder};
pub use error::{Error, ErrorKind, Result};
pub use heirloom_codec::Image;
pub use heirloom_codec::image::{ImageError, Metadata, PixelFormat, Samples};
pub use heirloom_codec::{DecodeSummary, EncodeSummary, Lossless, RowSink, RowSource, Scale, Spool};
pub use heirloom_format::container::{Cicp, Rect, Resolution, Seekable, Source, Tiling};
pub use info::{Info, TileInfo, info};
pub use model::Model;

/// Encodes an image with the default model.
///
/// # Errors
/// An [`ErrorKind::BadParameter`] for a quality or λ out of range, [`ErrorKind::OverLimit`] for an
/// image that needs more memory than the options allow.
#[cfg(feature = "default-model")]
pub fn encode(image: &Image, options: &EncodeOptions) -> Result<Vec<u8>> {
    Encoder::new().options(*options).encode(image)
}

/// Decodes a file with the default model and default options.
///
/// # Errors
/// See [`Decoder::decode`].
#[cfg(feature = "default-model")]
pub fn decode(bytes: &[u8]) -> Result<Image> {
    Decoder::new().decode(bytes)
}

/// Compiles and runs the examples of the README.
#[cfg(all(doctest, feature = "default-model", feature = "image"))]
#[doc = include_str!("../README.md")]
struct Readme;

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
//! # Images of any kind and size
//!
//! An image is grey or RGB, with or without alpha, of 8 or 16 bits. Alpha is never lossy. Where the
//! network would make a part of an image worse or larger than a lossless stream, as in most
//! screenshots and drawings, that part is stored without loss; [`Lossless`] chooses, and
//! [`Info::tiles`] tells. [`EncodeOptions::target_size`] and its siblings search the quality for a size
//! or a PSNR.
//!
//! Large images are coded in tiles. [`Decoder::crop`] decodes a part of an image,
//! [`Decoder::scale`] a smaller copy, and [`Decoder::decode_from`] reads only what that needs of a file.
//! [`Encoder::encode_rows`] and [`Decoder::decode_rows`] take and give rows, and need memory for one
//! row of tiles only:
//!
//! ```
//! # #[cfg(feature = "default-model")] {
//! use heirloom::{Decoder, Encoder, Lossless, Metadata, PixelFormat, RowSink, RowSource, Samples, Seekable};
//! use std::io::{Cursor, Result};
//!
//! /// A ramp of 70,000 rows, each made when it is needed.
//! struct Ramp(u32);
//!
//! impl RowSource for Ramp {
//!     fn size(&self) -> (u32, u32) {
//!         (64, 70_000)
//!     }
//!     fn format(&self) -> PixelFormat {
//!         PixelFormat::Grey8
//!     }
//!     fn read_rows(&mut self, count: u32) -> Result<Samples> {
//!         self.0 += count;
//!         Ok(Samples::U8(vec![(self.0 / 300) as u8; 64 * count as usize]))
//!     }
//! }
//!
//! /// Counts rows.
//! struct Count(usize);
//!
//! impl RowSink for Count {
//!     fn begin(&mut self, _: u32, _: u32, _: PixelFormat, _: &Metadata) -> Result<()> {
//!         Ok(())
//!     }
//!     fn write_rows(&mut self, rows: &Samples) -> Result<()> {
//!         self.0 += rows.len() / 64;
//!         Ok(())
//!     }
//! }
//!
//! let (mut file, mut spool) = (Cursor::new(Vec::new()), Cursor::new(Vec::new()));
//! let encoder = Encoder::new().lossless(Lossless::Always);
//! let summary = encoder.encode_rows(&mut Ramp(0), &Metadata::default(), &mut spool, &mut file)?;
//! let mut count = Count(0);
//! Decoder::new().decode_rows(&Seekable::new(file)?, &mut count)?;
//! assert_eq!((summary.tiles, count.0), (35, 70_000));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
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
pub use heirloom_codec::{AddOns, DecodeSummary, EncodeSummary, Lossless, RowSink, RowSource, Scale, Spool};
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

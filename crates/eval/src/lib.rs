//! Measuring image codecs: metrics, rate-distortion curves, BD-rate, reports and figures.
//!
//! | module | contents |
//! |---|---|
//! | [`psnr`](mod@psnr) | PSNR of 8-bit RGB images |
//! | [`ms_ssim`](mod@ms_ssim) | MS-SSIM of 8-bit RGB images |
//! | `ssimulacra2` | SSIMULACRA 2 of 8-bit RGB images, with the feature of that name |
//! | [`quality`] | all of these of one image, and their means |
//! | [`curve`] | rate-distortion curves and bits per pixel |
//! | [`bd_rate`](mod@bd_rate) | Bjøntegaard delta rate, piecewise cubic and classic cubic |
//! | [`anchors`] | the curves of other codecs that come with the crate |
//! | [`record`] | one record per image, and the report of all records, as JSON |
//! | [`proof`] | whether a newer model keeps an older one's files, and what fails if not |
//! | [`real_file`] | measuring any codec with files that are read back from disk |
//! | [`forced`] | decoding files with models of another lineage |
//! | [`machine`] | a description of the machine that measured |
//! | [`plot`] | rate-distortion figures as SVG, readable without colour |
//!
//! Numbers can be compared only if they follow the same conventions. Here a rate is the number of
//! bits of the whole file per pixel of the image; PSNR is taken per image on 8-bit RGB and then
//! averaged over the images; a BD-rate is refused where two curves share too small a range of PSNR.
//!
//! ```
//! use heirloom_eval::{anchors, bd_rate, Interpolation};
//!
//! # fn main() -> Result<(), heirloom_eval::EvalError> {
//! let vtm = anchors::get("vtm-22.0")?;
//! let webp = anchors::get("webp")?;
//! let percent = bd_rate(&vtm, &webp, Interpolation::Pchip)?.percent;
//! assert!((percent - 79.5).abs() < 0.1); // WebP needs 79.5 % more bits than VTM for the same PSNR
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod anchors;
pub mod bd_rate;
pub mod curve;
mod error;
pub mod forced;
mod interpolate;
pub mod machine;
pub mod ms_ssim;
pub mod plot;
pub mod proof;
pub mod psnr;
pub mod quality;
pub mod real_file;
pub mod record;
#[cfg(feature = "ssimulacra2")]
pub mod ssimulacra2;

pub use bd_rate::{BdRate, Interpolation, bd_rate};
pub use curve::{Curve, Point, bits_per_pixel};
pub use error::EvalError;
pub use ms_ssim::ms_ssim;
pub use plot::Figure;
pub use psnr::{mean, psnr};
pub use quality::{Measure, Qualities};
pub use real_file::RealFile;
pub use record::{ImageRecord, Report};
#[cfg(feature = "ssimulacra2")]
pub use ssimulacra2::ssimulacra2;

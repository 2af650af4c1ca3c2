//! The `.hlm` file: a header, metadata, and four sections of coded latents, coarse first.
//!
//! This stage knows nothing of networks: latents are opaque bytes here. It finds damage by checksums, tells a shortened
//! file from a damaged one, and looks at limits before it takes memory. `docs/FORMAT.md` is the specification.
//!
//! ```
//! use heirloom_format::container::{File, Header, Limits, Metadata, PixelFormat, parse, write};
//!
//! let file = File {
//!     header: Header {
//!         width: 768,
//!         height: 512,
//!         pixel_format: PixelFormat::Rgb8,
//!         lambda: 256.0,
//!         entropy_id: *b"entropy!",
//!         generation: 0,
//!         generation_id: *b"gen0",
//!     },
//!     metadata: Metadata::default(),
//!     latents: [vec![1; 40], vec![2; 90], vec![3; 900], vec![4; 700]],
//! };
//! let bytes = write(&file)?;
//! assert_eq!(parse(&bytes, &Limits::default())?, file);
//! # Ok::<(), heirloom_format::container::ContainerError>(())
//! ```
#![forbid(unsafe_code)]

mod bytes;
mod error;
mod header;
mod read;
mod section;
mod write;

pub use error::{ContainerError, TransferDamage};
pub use header::{Header, PixelFormat};
pub use read::{Limits, Prefix, parse, parse_header, parse_prefix};
pub use section::Section;
pub use write::write;

/// The first eight bytes of every file.
///
/// As PNG's: a byte with the high bit set shows 7-bit transfers, the two line ends show conversion of either kind, and
/// 0x1A ends the output of `type` on old systems.
pub const MAGIC: [u8; 8] = *b"\x89HLM\r\n\x1a\n";

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u8 = 1;

/// Number of latents, coarse (stride 64) to fine (stride 8).
pub const LATENTS: usize = 4;

/// Metadata that travels with the image, byte for byte.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// ICC colour profile.
    pub icc: Option<Vec<u8>>,
    /// Exif: the TIFF structure, without the `Exif\0\0` of JPEG.
    pub exif: Option<Vec<u8>>,
    /// XMP packet.
    pub xmp: Option<Vec<u8>>,
}

/// A whole file.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// What a decoder must know first.
    pub header: Header,
    /// Metadata blobs.
    pub metadata: Metadata,
    /// Coded latents z1 (stride 64) to z4 (stride 8), outputs of [`encode_section`](crate::entropy::encode_section).
    pub latents: [Vec<u8>; LATENTS],
}

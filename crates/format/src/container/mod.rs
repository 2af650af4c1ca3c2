//! The `.hlm` file: a header, metadata, and four sections of coded latents, coarse first.
//!
//! Latents are opaque bytes here. Checksums find damage, a shortened file is told from a damaged
//! one, and limits are checked before memory is allocated. `docs/FORMAT.md` is the specification.
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
/// The same idea as PNG's: a byte with the high bit set reveals 7-bit transfers, the two line ends
/// reveal conversion of either kind, and 0x1A ends the output of `type` on old systems.
pub const MAGIC: [u8; 8] = *b"\x89HLM\r\n\x1a\n";

/// The version of the format that is written, and the only one that can be read.
pub const VERSION: u8 = 1;

/// Number of latents, from z1 (coarse, stride 64) to z4 (fine, stride 8).
pub const LATENT_LEVELS: usize = 4;

/// Both sides of the canvas that the network works on are multiples of this, in pixels: the stride
/// of z1.
pub const CANVAS_UNIT: usize = 64;

/// Metadata of the image, carried verbatim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// ICC colour profile.
    pub icc: Option<Vec<u8>>,
    /// Exif: the TIFF structure, without the `Exif\0\0` prefix of JPEG.
    pub exif: Option<Vec<u8>>,
    /// XMP packet.
    pub xmp: Option<Vec<u8>>,
}

/// The contents of a whole file.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The header.
    pub header: Header,
    /// ICC profile, Exif and XMP.
    pub metadata: Metadata,
    /// Coded latents z1 (stride 64) to z4 (stride 8), as written by
    /// [`encode_section`](crate::entropy::encode_section).
    pub latents: [Vec<u8>; LATENT_LEVELS],
}

//! The `.hlm` file: a header, metadata, an index, and the tiles of the image, each with its coded
//! latents (coarse first) or its colour without loss.
//!
//! The contents of sections are opaque bytes here. Checksums find damage, a shortened file is told
//! from a damaged one, and limits are checked before memory is allocated. A [`Head`] finds the
//! sections of any tile in a [`Source`] of which nothing else is read. `docs/FORMAT.md` is the
//! specification.
//!
//! ```
//! use heirloom_format::container::{File, Header, Limits, Metadata, PixelFormat, Tile, TileColour, parse, write};
//!
//! let file = File {
//!     header: Header {
//!         width: 768,
//!         height: 512,
//!         pixel_format: PixelFormat::Rgb8,
//!         tiling: None,
//!         lambda: 256.0,
//!         entropy_id: *b"entropy!",
//!         generation: 0,
//!         generation_id: *b"gen0",
//!     },
//!     metadata: Metadata::default(),
//!     tiles: vec![Tile {
//!         alpha: None,
//!         colour: TileColour::Latents([vec![1; 40], vec![2; 90], vec![3; 900], vec![4; 700]]),
//!     }],
//! };
//! let bytes = write(&file)?;
//! assert_eq!(parse(&bytes, &Limits::default())?, file);
//! # Ok::<(), heirloom_format::container::ContainerError>(())
//! ```
#![forbid(unsafe_code)]

mod bytes;
mod error;
mod header;
mod index;
mod metadata;
mod part;
mod pixel_format;
mod read;
mod section;
mod source;
mod tiling;
mod write;

pub use error::{ContainerError, TransferDamage};
pub use header::Header;
pub use index::TileEntry;
pub use metadata::{Cicp, Metadata, Resolution};
pub use part::{Part, Section};
pub use pixel_format::PixelFormat;
pub use read::{Head, Limits, parse, parse_header};
pub use section::Span;
pub use source::{Seekable, Source};
pub use tiling::{MAX_TILE_PIXELS, MAX_TILE_SIDE, Rect, TileGrid, Tiling};
pub use write::{file_order, tile_section, write, write_head};

/// The first eight bytes of every file.
///
/// The same idea as PNG's: a byte with the high bit set reveals 7-bit transfers, the two line ends
/// reveal conversion of either kind, and 0x1A ends the output of `type` on old systems.
pub const MAGIC: [u8; 8] = *b"\x89HLM\r\n\x1a\n";

/// The version of the format that is written, and the only one that can be read.
pub const VERSION: u8 = 2;

/// Number of latents, from z1 (coarse, stride 64) to z4 (fine, stride 8).
pub const LATENT_LEVELS: usize = 4;

/// Both sides of the canvas that the network works on are multiples of this, in pixels: the stride
/// of z1.
pub const CANVAS_UNIT: usize = 64;

/// The contents of a whole file.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The header.
    pub header: Header,
    /// ICC profile, Exif, XMP and the like.
    pub metadata: Metadata,
    /// The tiles of [`Header::tiles`], in rows from the top.
    pub tiles: Vec<Tile>,
}

/// The contents of a tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// The alpha channel as a PNG stream, empty if it is opaque everywhere; `None` if the pixel
    /// format has no alpha.
    pub alpha: Option<Vec<u8>>,
    /// The colour.
    pub colour: TileColour,
}

/// The colour of a tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TileColour {
    /// Coded latents z1 (stride 64) to z4 (stride 8), as written by
    /// [`encode_section`](crate::entropy::encode_section).
    Latents([Vec<u8>; LATENT_LEVELS]),
    /// A PNG or lossless WebP stream.
    Lossless(Vec<u8>),
}

//! What a file says about itself.

use heirloom_codec::image::{Metadata, PixelFormat};
use heirloom_format::container::{Head, Header, Limits, Part, Rect, Tiling};

use crate::{Error, Result};

/// What a file says about itself, without its pixels.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Info {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Format of the decoded pixels.
    pub pixel_format: PixelFormat,
    /// Size of the tiles, `None` for an image of one tile.
    pub tiling: Option<Tiling>,
    /// The λ that the image was encoded with.
    pub lambda: f32,
    /// The first eight bytes of the entropy id, which names the lineage that can decode the file.
    pub entropy_id: [u8; 8],
    /// Number of the generation that wrote the file.
    pub generation: u32,
    /// The first four bytes of the id of that generation.
    pub generation_id: [u8; 4],
    /// ICC profile, Exif, XMP and the like.
    pub metadata: Metadata,
    /// The tiles, in rows from the top.
    pub tiles: Vec<TileInfo>,
    /// Coded bytes of each latent, from z1 (coarse) to z4 (fine), of all tiles together.
    pub latent_bytes: [usize; 4],
    /// Bytes of all alpha channels.
    pub alpha_bytes: usize,
    /// Bytes of the colour that is stored without loss.
    pub lossless_bytes: usize,
    /// Size of the whole file in bytes.
    pub file_bytes: usize,
}

/// What a file says about a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TileInfo {
    /// The pixels of the tile.
    pub rect: Rect,
    /// Whether its colour is stored without loss.
    pub lossless: bool,
    /// Bytes of its sections, without their frames.
    pub bytes: u64,
}

impl Info {
    /// Number of tiles whose colour is stored without loss.
    #[must_use]
    pub fn lossless_tiles(&self) -> usize {
        self.tiles.iter().filter(|tile| tile.lossless).count()
    }

    /// Bits of the file per pixel of the image, metadata included.
    #[must_use]
    pub fn bits_per_pixel(&self) -> f64 {
        8.0 * self.file_bytes as f64 / (f64::from(self.width) * f64::from(self.height))
    }

    /// The header as the codec knows it.
    pub(crate) fn header(&self) -> Header {
        Header {
            width: self.width,
            height: self.height,
            pixel_format: self.pixel_format,
            tiling: self.tiling,
            lambda: self.lambda,
            entropy_id: self.entropy_id,
            generation: self.generation,
            generation_id: self.generation_id,
        }
    }
}

/// Reads what a file says about itself and verifies its checksums. Decodes no pixels and needs no
/// model.
///
/// # Errors
/// Bytes that are not a Heirloom file, or one that is damaged, cut short or of an unknown version.
pub fn info(bytes: &[u8]) -> Result<Info> {
    let head = Head::read(&bytes, &Limits::none())?;
    head.check()?;
    let (mut latent_bytes, mut alpha_bytes, mut lossless_bytes) = ([0; 4], 0, 0);
    let mut tiles = Vec::with_capacity(head.tiles().len());
    for ((number, entry), rect) in (0..).zip(head.tiles()).zip(head.header.tiles().rects()) {
        let length = |part| Ok::<_, Error>(head.section(&bytes, number, part)?.len());
        if entry.alpha.is_some() {
            alpha_bytes += length(Part::Alpha)?;
        }
        for &part in entry.colour_parts() {
            match part {
                Part::Latent(level) => latent_bytes[usize::from(level) - 1] += length(part)?,
                _ => lossless_bytes += length(part)?,
            }
        }
        tiles.push(TileInfo { rect, lossless: entry.lossless, bytes: entry.payload_bytes() });
    }
    head.check_end(&bytes)?;
    let Header { width, height, pixel_format, tiling, lambda, entropy_id, generation, generation_id } = head.header;
    Ok(Info {
        width,
        height,
        pixel_format,
        tiling,
        lambda,
        entropy_id,
        generation,
        generation_id,
        metadata: head.metadata,
        tiles,
        latent_bytes,
        alpha_bytes,
        lossless_bytes,
        file_bytes: bytes.len(),
    })
}

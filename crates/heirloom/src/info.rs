//! What a file says about itself.

use heirloom_codec::image::{Metadata, PixelFormat};
use heirloom_format::container::{Header, Limits, parse};

use crate::Result;

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
    /// The λ that the image was encoded with.
    pub lambda: f32,
    /// The first eight bytes of the entropy id, which names the lineage that can decode the file.
    pub entropy_id: [u8; 8],
    /// Number of the generation that wrote the file.
    pub generation: u32,
    /// The first four bytes of the id of that generation.
    pub generation_id: [u8; 4],
    /// ICC profile, Exif and XMP.
    pub metadata: Metadata,
    /// Coded bytes of each latent, from z1 (coarse) to z4 (fine).
    pub latent_bytes: [usize; 4],
    /// Size of the whole file in bytes.
    pub file_bytes: usize,
}

impl Info {
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
    let file = parse(bytes, &Limits::none())?;
    let Header { width, height, pixel_format, lambda, entropy_id, generation, generation_id } = file.header;
    Ok(Info {
        width,
        height,
        pixel_format,
        lambda,
        entropy_id,
        generation,
        generation_id,
        metadata: file.metadata,
        latent_bytes: file.latents.each_ref().map(Vec::len),
        file_bytes: bytes.len(),
    })
}

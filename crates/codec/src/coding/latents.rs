//! The latents of an image, which are the same for every generation that reads a file.

use std::fmt;

use crate::model::{LATENT_LEVELS, STRIDES, Spec};
use heirloom_format::container::Header;
use heirloom_kernels::Map;

/// The latents z1 to z4 of an image, and the header of its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Latents {
    /// Size, pixel format, λ and lineage.
    pub header: Header,
    /// z1 (coarse) to z4 (fine).
    pub maps: [Map; LATENT_LEVELS],
}

/// Latents that do not fit a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatentError {
    /// 1 (z1) to 4 (z4).
    pub latent: usize,
    /// Height, width and channels of the latent.
    pub found: [usize; 3],
    /// Height, width and channels by header and model.
    pub expected: [usize; 3],
}

impl fmt::Display for LatentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { latent, found, expected } = self;
        write!(
            f,
            "latent z{latent} has height, width and channels {found:?}, but header and model require {expected:?}"
        )
    }
}

impl std::error::Error for LatentError {}

/// Height and width of the grid of a stride over the padded canvas.
pub(super) fn grid(header: &Header, stride: usize) -> (usize, usize) {
    let (height, width) = header.padded_size();
    ((height / stride as u64) as usize, (width / stride as u64) as usize)
}

impl Latents {
    /// BLAKE3 of all values: for each latent height, width and channels as `u32`, then the bits of
    /// each value, all little endian. Equal hashes mean equal latents to the bit.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for map in &self.maps {
            for extent in [map.height, map.width, map.channels] {
                hasher.update(&u32::try_from(extent).unwrap_or(u32::MAX).to_le_bytes());
            }
            let mut bytes = Vec::new();
            for values in map.data.chunks(1 << 14) {
                bytes.clear();
                values.iter().for_each(|value| bytes.extend_from_slice(&value.to_bits().to_le_bytes()));
                hasher.update(&bytes);
            }
        }
        hasher.finalize().into()
    }

    /// Checks every latent's shape.
    pub(super) fn check(&self, spec: &Spec) -> Result<(), LatentError> {
        for (level, map) in self.maps.iter().enumerate() {
            let (height, width) = grid(&self.header, STRIDES[Spec::stage_of_level(level)]);
            let expected = [height, width, spec.latents[level]];
            let found = [map.height, map.width, map.channels];
            let values = expected.iter().fold(1, |product: usize, &extent| product.saturating_mul(extent));
            if found != expected || map.data.len() != values {
                return Err(LatentError { latent: level + 1, found, expected });
            }
        }
        Ok(())
    }
}

//! The latents of an image: what a file means, whichever generation reads it.

use std::fmt;

use crate::model::{LEVELS, STRIDES, Spec};
use heirloom_format::container::Header;
use heirloom_kernels::Map;

/// Latents z1 to z4 of an image, with the header of its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Latents {
    /// Size, pixel format, λ and lineage.
    pub header: Header,
    /// z1 (coarse) to z4 (fine).
    pub maps: [Map; LEVELS],
}

/// Why latents do not fit a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatentError {
    /// 1 to 4.
    pub latent: usize,
    /// Height, width, channels that the latent has.
    pub found: [usize; 3],
    /// Height, width, channels that header and model ask for.
    pub expected: [usize; 3],
}

impl fmt::Display for LatentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { latent, found, expected } = self;
        write!(f, "latent z{latent} has height, width and channels {found:?}; header and model ask for {expected:?}")
    }
}

impl std::error::Error for LatentError {}

/// Height and width of the grid of a stride over an image padded to multiples of 64.
pub(super) fn grid(header: &Header, stride: usize) -> (usize, usize) {
    let side = |length: u32| (length as usize).next_multiple_of(64) / stride;
    (side(header.height), side(header.width))
}

impl Latents {
    /// BLAKE3 of all values: for each latent, height, width and channels as `u32` and then the bits of each value, all
    /// little endian. Equal hashes mean the same latents to the bit.
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
            if found != expected || map.data.len() != expected.iter().product::<usize>() {
                return Err(LatentError { latent: level + 1, found, expected });
            }
        }
        Ok(())
    }
}

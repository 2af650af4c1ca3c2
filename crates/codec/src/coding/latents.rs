//! The latents of an image, which are the same for every generation that reads a file.

use std::fmt;

use crate::model::{LATENT_LEVELS, STRIDES, Spec};
use heirloom_format::container::{CANVAS_UNIT, Header, Rect};
use heirloom_kernels::Map;

/// The latents of an image, and the header of its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Latents {
    /// Size, pixel format, tiles, λ and lineage.
    pub header: Header,
    /// For each tile z1 (coarse) to z4 (fine); `None` for a tile that is stored without loss.
    pub tiles: Vec<Option<[Map; LATENT_LEVELS]>>,
}

/// Latents that do not fit a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatentError {
    /// 1 (z1) to 4 (z4); 0 if the number of tiles is wrong, which then stands first in `found` and
    /// `expected`.
    pub latent: usize,
    /// Height, width and channels of the latent.
    pub found: [usize; 3],
    /// Height, width and channels by header and model.
    pub expected: [usize; 3],
}

impl fmt::Display for LatentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { latent, found, expected } = self;
        if *latent == 0 {
            return write!(f, "there are latents of {} tiles, but the header requires {}", found[0], expected[0]);
        }
        write!(
            f,
            "latent z{latent} has height, width and channels {found:?}, but header and model require {expected:?}"
        )
    }
}

impl std::error::Error for LatentError {}

/// Height and width of the grid of z1 over the canvas of a tile.
pub(super) fn grid(rect: Rect) -> (usize, usize) {
    let unit = CANVAS_UNIT as u32;
    (rect.height.div_ceil(unit) as usize, rect.width.div_ceil(unit) as usize)
}

impl Latents {
    /// The latents of an image of one tile that is not stored without loss.
    #[must_use]
    pub fn single(&self) -> Option<&[Map; LATENT_LEVELS]> {
        match self.tiles.as_slice() {
            [Some(maps)] => Some(maps),
            _ => None,
        }
    }

    /// BLAKE3 of all values: for each latent height, width and channels as `u32`, then the bits of
    /// each value, all little endian. Lossless tiles are skipped. Equal hashes mean equal latents to
    /// the bit.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for map in self.tiles.iter().flatten().flatten() {
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

    /// Checks the number of tiles and every latent's shape.
    pub(super) fn check(&self, spec: &Spec) -> Result<(), LatentError> {
        let count = self.header.tiles().count();
        if self.tiles.len() as u64 != count {
            let found = [self.tiles.len(), 0, 0];
            return Err(LatentError {
                latent: 0,
                found,
                expected: [usize::try_from(count).unwrap_or(usize::MAX), 0, 0],
            });
        }
        for (rect, tile) in self.header.tiles().rects().zip(&self.tiles) {
            let (height, width) = grid(rect);
            for (level, map) in tile.iter().flatten().enumerate() {
                let finer = CANVAS_UNIT / STRIDES[Spec::stage_of_level(level)];
                let expected = [height * finer, width * finer, spec.latents[level]];
                let found = [map.height, map.width, map.channels];
                let values = expected.iter().fold(1, |product: usize, &extent| product.saturating_mul(extent));
                if found != expected || map.data.len() != values {
                    return Err(LatentError { latent: level + 1, found, expected });
                }
            }
        }
        Ok(())
    }
}

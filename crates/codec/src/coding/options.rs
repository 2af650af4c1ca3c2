//! Options of encoding and decoding.

use super::Effort;
use crate::image::Image;
use crate::model::LATENT_LEVELS;
use crate::progress::ProgressCallback;
use heirloom_format::container::{CANVAS_UNIT, Limits, MAX_TILE_SIDE, Rect, Tiling};
use heirloom_kernels::Isa;

/// Default limit of memory in bytes: 2 GiB.
const DEFAULT_MEMORY: u64 = 2 << 30;

/// Default side of a tile, and how far tiles overlap, in pixels. They cost 0.43 % of BD-rate, nearly
/// all of it for the smaller context; errors at seams are as elsewhere. `docs/FORMAT.md` has the
/// measurements.
const DEFAULT_TILE: TileOptions = TileOptions { side: 2048, overlap: 4 };

/// When a tile is stored without loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lossless {
    /// Never, whatever the network makes of the image.
    Never,
    /// Where the network's tile is worse or larger, as λ weighs error and bytes.
    #[default]
    WhereBetter,
    /// Always.
    Always,
}

/// Which distributions of latents a file is coded by, if the model has add-ons to its entropy branch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddOns {
    /// Those of the newest add-on, which the encoder has learned with. Generations before the one that
    /// brought it cannot decode the file.
    #[default]
    Newest,
    /// Those of the entropy branch itself, which every generation of the lineage knows.
    Never,
    /// Those that give the smaller loss for this image, which takes twice as long. Only where the image
    /// is given as a whole; rows that come one after another are coded by [`Self::Newest`].
    WhereBetter,
}

/// How large tiles are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileOptions {
    /// Longest side in pixels: a multiple of 64 from 64 to 4096; other values are rounded down to
    /// one. Images with no more pixels than such a square are one tile.
    pub side: u32,
    /// Width in pixels of the strip that neighbours share; at most half of a side is used.
    pub overlap: u8,
}

impl Default for TileOptions {
    fn default() -> Self {
        DEFAULT_TILE
    }
}

impl TileOptions {
    /// The tiling of an image, `None` for one tile. Tiles of an image are of about the same size.
    pub(super) fn tiling(self, width: u32, height: u32) -> Option<Tiling> {
        let unit = CANVAS_UNIT as u32;
        let side = (self.side.clamp(unit, MAX_TILE_SIDE) / unit) * unit;
        let canvas = Rect { x: 0, y: 0, width, height }.canvas_pixels();
        if canvas <= u64::from(side).pow(2) {
            return None;
        }
        let overlap = u32::from(self.overlap).min(unit / 2);
        let axis = |length: u32| {
            let count = if length <= side { 1 } else { (length - overlap).div_ceil(side - overlap) };
            // The smallest tiles that are no more in number.
            ((length - overlap.min(length)).div_ceil(count) + overlap).next_multiple_of(unit).min(side)
        };
        Some(Tiling { width: axis(width), height: axis(height), overlap: overlap as u8 })
    }
}

/// Options of encoding.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct EncodeOptions {
    /// The rate-distortion multiplier λ, within the encoder's range. Higher values give better
    /// images and larger files.
    pub lambda: f32,
    /// When a tile is stored without loss.
    pub lossless: Lossless,
    /// Time that is spent on smaller or better files.
    pub effort: Effort,
    /// Called while that time is spent, with how far the search is.
    pub progress: Option<ProgressCallback>,
    /// Which distributions of latents are used, if the model has add-ons.
    pub add_ons: AddOns,
    /// Whether the colour of wholly transparent pixels is coded as it is. Otherwise it is replaced
    /// by what costs least.
    pub keep_hidden_colour: bool,
    /// Size of the tiles of large images.
    pub tiles: TileOptions,
    /// Limit of memory in bytes. Images that need more are refused before memory is allocated; more
    /// memory lets more tiles be encoded at the same time.
    pub max_memory: u64,
    /// Instruction set; the fastest if `None`. It does not change the result.
    pub isa: Option<Isa>,
}

impl EncodeOptions {
    /// Default options for a λ.
    #[must_use]
    pub fn new(lambda: f32) -> Self {
        Self {
            lambda,
            lossless: Lossless::default(),
            effort: Effort::default(),
            progress: None,
            add_ons: AddOns::default(),
            keep_hidden_colour: false,
            tiles: TileOptions::default(),
            max_memory: DEFAULT_MEMORY,
            isa: None,
        }
    }

    /// Sets the effort.
    #[must_use]
    pub fn with_effort(mut self, effort: Effort) -> Self {
        self.effort = effort;
        self
    }

    /// Sets which distributions of latents are used.
    #[must_use]
    pub fn with_add_ons(mut self, add_ons: AddOns) -> Self {
        self.add_ons = add_ons;
        self
    }

    /// Sets when tiles are stored without loss.
    #[must_use]
    pub fn with_lossless(mut self, lossless: Lossless) -> Self {
        self.lossless = lossless;
        self
    }
}

/// What a file is to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// At most this many bytes for the whole file.
    Bytes(u64),
    /// At least this peak signal-to-noise ratio of the colour, in dB, of samples as 8-bit RGB.
    Psnr(f64),
}

impl Target {
    /// At most this many bits for each pixel of an image.
    #[must_use]
    pub fn bits_per_pixel(bits: f64, image: &Image) -> Self {
        Self::Bytes((bits * f64::from(image.width()) * f64::from(image.height()) / 8.0) as u64)
    }
}

/// How much smaller than the image its decoded copy is: each of its pixels is the mean of a square.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scale {
    /// The whole size.
    #[default]
    Full = 1,
    /// Half of width and height.
    Half = 2,
    /// A quarter.
    Quarter = 4,
    /// An eighth.
    Eighth = 8,
    /// A sixteenth.
    Sixteenth = 16,
}

impl Scale {
    /// Pixels of the image that one pixel stands for, in each direction.
    #[must_use]
    pub fn divisor(self) -> u32 {
        self as u32
    }

    /// Number of latents that are read, from z1 on. z4 (stride 8) is most of a file, and matters little
    /// for means of 16 × 16 pixels: without it they have 39 to 40 dB, which is enough for a preview.
    pub(super) fn latents(self) -> usize {
        if self == Self::Sixteenth { 3 } else { LATENT_LEVELS }
    }

    /// Length of a side after scaling, rounded up.
    #[must_use]
    pub fn of(self, side: u32) -> u32 {
        side.div_ceil(self.divisor())
    }
}

/// Options of decoding.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DecodeOptions {
    /// The part of the image to decode, all of it if `None`. Only its tiles are read and decoded.
    pub crop: Option<Rect>,
    /// The size of the decoded image, after `crop`.
    pub scale: Scale,
    /// Whether an image of an eighth of the size or less may be made of the latents z1 to z3 alone: it
    /// is blurred (some 30 dB at an eighth, against 39 to 49), but takes a fraction of the bytes and of
    /// the time. Has no effect at larger scales, and with models without thumbnail head.
    pub quick: bool,
    /// Limits of what a file may ask for.
    pub limits: Limits,
    /// Limit of memory in bytes. Images that need more are refused before memory is allocated; more
    /// memory lets more tiles be decoded at the same time.
    pub max_memory: u64,
    /// Instruction set; the fastest if `None`. It does not change the result.
    pub isa: Option<Isa>,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self {
            crop: None,
            scale: Scale::Full,
            quick: false,
            limits: Limits::default(),
            max_memory: DEFAULT_MEMORY,
            isa: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_balanced_and_only_where_needed() {
        let tiling = |width, height| TileOptions::default().tiling(width, height);
        assert_eq!(tiling(2048, 2048), None);
        assert_eq!(tiling(12_000, 300), None);
        assert_eq!(tiling(2049, 2048), Some(Tiling { width: 1088, height: 2048, overlap: 4 }));
        assert_eq!(tiling(6000, 4000), Some(Tiling { width: 2048, height: 2048, overlap: 4 }));
        assert_eq!(tiling(32_768, 32_768).map(|t| (t.width, t.height)), Some((1984, 1984)));
        let odd = TileOptions { side: 100, overlap: 255 };
        assert_eq!(odd.tiling(65, 1), Some(Tiling { width: 64, height: 64, overlap: 32 }));
    }
}

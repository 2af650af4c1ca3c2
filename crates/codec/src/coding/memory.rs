//! How much memory a call needs, and so how many tiles it may work on at the same time.

#[cfg(feature = "effort")]
use super::{Effort, latents::grid};
use super::{EncodeOptions, Lossless};
use crate::model::Spec;
use crate::network::memory_estimate;
#[cfg(feature = "effort")]
use crate::refine;
#[cfg(feature = "effort")]
use heirloom_format::container::CANVAS_UNIT;
use heirloom_format::container::{Header, Rect};

/// Memory of encoding an image: that of a row of tiles, and that of each tile in work.
pub(super) struct EncodeMemory {
    band: u64,
    tile: u64,
    tiles_in_a_row: u32,
}

impl EncodeMemory {
    pub fn new(spec: &Spec, header: &Header, options: &EncodeOptions) -> Self {
        let largest = header.tiles().rect(0, 0);
        let canvas = largest.canvas_pixels();
        let network = match options.lossless {
            Lossless::Never => memory_estimate::encoding(spec, canvas),
            // The features of encoder and reconstruction, which do not have their peaks together.
            Lossless::WhereBetter => memory_estimate::encoding(spec, canvas)
                .max(memory_estimate::decoding(spec, canvas))
                .saturating_add(memory_estimate::decoding(spec, canvas) / 2),
            Lossless::Always => 0,
        };
        let tile = network.max(streams(largest)).saturating_add(4 * samples(header, largest));
        #[cfg(feature = "effort")]
        let tile = tile.saturating_add(refining(spec, largest, options));
        let band = Rect { width: header.width, ..largest };
        Self { band: 2 * samples(header, band), tile, tiles_in_a_row: header.tiles().columns() }
    }

    /// Bytes for `tiles` tiles at the same time, an upper estimate.
    pub fn of(&self, tiles: usize) -> u64 {
        self.band.saturating_add(self.tile.saturating_mul(tiles as u64))
    }

    /// The number of tiles at the same time that fit the limit, at least 1.
    pub fn parallel(&self, max_memory: u64) -> usize {
        parallel(max_memory.saturating_sub(self.band), self.tile, self.tiles_in_a_row)
    }
}

/// Memory of the search for better symbols of a tile.
#[cfg(feature = "effort")]
fn refining(spec: &Spec, tile: Rect, options: &EncodeOptions) -> u64 {
    if options.effort == Effort::default() || options.lossless == Lossless::Always {
        return 0;
    }
    let (height, width) = grid(tile);
    let pixels = refine::largest_part(height * CANVAS_UNIT, width * CANVAS_UNIT);
    memory_estimate::refining(spec, refine::FIRST, pixels)
}

/// Memory of decoding a part of an image.
pub(super) struct DecodeMemory {
    rows: u64,
    tile: u64,
    tiles_in_a_row: u32,
}

impl DecodeMemory {
    /// Memory of decoding rows of `width` pixels; `collected` pixels are kept until the end.
    pub fn new(spec: &Spec, header: &Header, width: u32, columns: u32, collected: u64) -> Self {
        let largest = header.tiles().rect(0, 0);
        let network = memory_estimate::decoding(spec, largest.canvas_pixels());
        let tile = network.max(streams(largest)).saturating_add(2 * samples(header, largest));
        let band = Rect { width, ..largest };
        let collected = collected.saturating_mul(bytes_per_pixel(header));
        Self { rows: (2 * samples(header, band)).saturating_add(collected), tile, tiles_in_a_row: columns }
    }

    /// Bytes for one tile at a time, an upper estimate.
    pub fn least(&self) -> u64 {
        self.rows.saturating_add(self.tile)
    }

    /// The number of tiles at the same time that fit the limit, at least 1.
    pub fn parallel(&self, max_memory: u64) -> usize {
        parallel(max_memory.saturating_sub(self.rows), self.tile, self.tiles_in_a_row)
    }
}

fn parallel(memory: u64, tile: u64, tiles: u32) -> usize {
    let fitting = usize::try_from(memory / tile.max(1)).unwrap_or(usize::MAX);
    // Every layer of one tile is spread over threads too, so that there is no use in more tiles
    // than threads.
    fitting.min(rayon::current_num_threads()).min(tiles as usize).max(1)
}

fn bytes_per_pixel(header: &Header) -> u64 {
    header.pixel_format.channels() as u64 * u64::from(header.pixel_format.bits() / 8)
}

fn samples(header: &Header, rect: Rect) -> u64 {
    rect.pixels().saturating_mul(bytes_per_pixel(header))
}

/// Working memory of the PNG and WebP libraries for a tile: a few copies of 32-bit pixels, and the
/// tables of the WebP encoder.
fn streams(rect: Rect) -> u64 {
    rect.pixels().saturating_mul(40)
}

/// Whether a call that needs `needed` bytes may take them. What no allocator can give is refused
/// whatever the caller allows.
pub(super) fn is_allowed(needed: u64, max_memory: u64) -> bool {
    needed <= max_memory.min(isize::MAX as u64)
}

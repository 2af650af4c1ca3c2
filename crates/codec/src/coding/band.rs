//! Rows of an image in the making: what one row of tiles shows of a region, blended where tiles overlap.

use super::pixels::{Ramp, Rows, Window};
use crate::image::{Image, ImageError, PixelFormat, Samples};
use heirloom_format::container::Rect;

/// The pixels that a region shows of a row of tiles.
pub(super) struct Band {
    rows: Rows,
    /// The part of the region that the rows are.
    rect: Rect,
    /// The first row of the tiles, in or above the region.
    tile_top: u32,
    overlap: u32,
    /// For each tile: the first of its columns that no tile before it has, in samples, and whether
    /// nothing of the tile could be read.
    lost: Vec<(usize, bool)>,
}

/// The part of a tile that lies in a region, which touch.
pub(super) fn shown(tile: Rect, region: Rect) -> Rect {
    let (x, y) = (tile.x.max(region.x), tile.y.max(region.y));
    let (right, bottom) =
        ((tile.x + tile.width).min(region.x + region.width), (tile.y + tile.height).min(region.y + region.height));
    Rect { x, y, width: right - x, height: bottom - y }
}

impl Band {
    /// A band for the part of `region` in the row of tiles that has the tile `first`.
    pub fn new(region: Rect, first: Rect, overlap: u32, format: PixelFormat) -> Self {
        let Rect { y, height, .. } = shown(first, region);
        let rect = Rect { y, height, ..region };
        let rows = Rows::zeros(format.bits(), rect.width as usize * format.channels(), height as usize);
        Self { rows, rect, tile_top: first.y, overlap, lost: Vec::new() }
    }

    /// Puts what the region shows of a tile in its place: grey, if it is `None`. Tiles come from the
    /// left.
    pub fn place(&mut self, image: Option<Image>, tile: Rect, format: PixelFormat) -> Result<(), ImageError> {
        let channels = format.channels();
        let part = shown(tile, self.rect);
        let x = (part.x - self.rect.x) as usize * channels;
        // A lost tile takes no part in blending.
        let has_left = self.lost.last().is_some_and(|&(_, lost)| !lost);
        let lost = image.is_none();
        let image = match image {
            Some(image) => image,
            None => grey(part, format)?,
        };
        let rows = Rows { samples: image.into_samples(), stride: part.width as usize * channels };
        let first = (part.x - tile.x) as usize;
        let overlap = self.overlap as usize;
        let ramp = (has_left && !lost).then_some(Ramp { overlap, first, channels });
        let kept = if lost && has_left { overlap.saturating_sub(first) * channels } else { 0 };
        if kept < rows.stride {
            self.rows.put(&rows, kept, x + kept, 0, ramp);
        }
        self.lost.push((x, lost));
        Ok(())
    }

    /// Blends the first rows with those that the row of tiles above has of them.
    pub fn blend(&mut self, above: &Self, channels: usize) {
        let (first, overlap) = ((self.rect.y - self.tile_top) as usize, self.overlap as usize);
        let ends = self.lost.iter().skip(1).map(|&(begin, _)| begin).chain([self.rows.stride]);
        let tiles: Vec<_> = self.lost.iter().zip(&above.lost).zip(ends).collect();
        for ((&(begin, lost), &(_, lost_above)), end) in tiles {
            debug_assert!(begin % channels == 0);
            match (lost_above, lost) {
                (true, _) => {}
                (false, true) => self.rows.copy_rows(&above.rows, overlap.saturating_sub(first), begin, end),
                (false, false) => self.rows.blend_rows(&above.rows, (first, overlap), begin, end),
            }
        }
    }

    /// Takes the rows before the image's row `end` out of the band.
    pub fn take_until(&mut self, end: u32) -> Samples {
        let count = end.saturating_sub(self.rect.y).min(self.rect.height);
        let taken = self.rows.cut(Window { x: 0, y: 0, width: self.rows.stride, height: count as usize });
        self.rows = self.rows.last((self.rect.height - count) as usize);
        self.rect = Rect { y: self.rect.y + count, height: self.rect.height - count, ..self.rect };
        taken
    }
}

/// Pixels of which nothing is known: half-bright grey, opaque.
fn grey(part: Rect, format: PixelFormat) -> Result<Image, ImageError> {
    let (channels, colours) = (format.channels(), format.colour_channels());
    let count = part.width as usize * part.height as usize * channels;
    let is_alpha = |i: usize| i % channels >= colours;
    let samples = match format.bits() {
        8 => Samples::U8((0..count).map(|i| if is_alpha(i) { u8::MAX } else { 128 }).collect()),
        _ => Samples::U16((0..count).map(|i| if is_alpha(i) { u16::MAX } else { 32768 }).collect()),
    };
    Image::from_samples(part.width, part.height, format, samples)
}

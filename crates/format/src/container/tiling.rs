//! How an image is divided into tiles.

use super::{CANVAS_UNIT, ContainerError};

/// Largest side of a tile in pixels.
pub const MAX_TILE_SIDE: u32 = 64 * CANVAS_UNIT as u32;

/// Most pixels of the canvas of an image that is one tile.
pub const MAX_TILE_PIXELS: u64 = (MAX_TILE_SIDE as u64).pow(2);

/// The size of tiles, and how far neighbours overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tiling {
    /// Width of a tile in pixels: a multiple of [`CANVAS_UNIT`] up to [`MAX_TILE_SIDE`].
    pub width: u32,
    /// Height of a tile in pixels, as the width.
    pub height: u32,
    /// Width in pixels of the strip that two neighbours share: at most half of either side.
    pub overlap: u8,
}

/// A rectangle of pixels of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rect {
    /// First column.
    pub x: u32,
    /// First row.
    pub y: u32,
    /// Number of columns.
    pub width: u32,
    /// Number of rows.
    pub height: u32,
}

impl Rect {
    /// Number of pixels.
    #[must_use]
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Pixels of the canvas that the rectangle is coded on: both sides rounded up to multiples of
    /// [`CANVAS_UNIT`].
    #[must_use]
    pub fn canvas_pixels(&self) -> u64 {
        padded(self.width).saturating_mul(padded(self.height))
    }
}

pub(super) fn padded(side: u32) -> u64 {
    u64::from(side).next_multiple_of(CANVAS_UNIT as u64)
}

impl Tiling {
    /// Checks that the tiling may stand in the header of an image of a size.
    pub(super) fn check(&self, width: u32, height: u32) -> Result<(), ContainerError> {
        let unit = CANVAS_UNIT as u32;
        let is_side = |side: u32| side.is_multiple_of(unit) && (unit..=MAX_TILE_SIDE).contains(&side);
        if !is_side(self.width) || !is_side(self.height) {
            return Err(ContainerError::BadParameter("the sides of a tile must be multiples of 64 from 64 to 4096"));
        }
        if u32::from(self.overlap) > self.width.min(self.height) / 2 {
            return Err(ContainerError::BadParameter("tiles may overlap by half of a side at most"));
        }
        if width <= self.width && height <= self.height {
            return Err(ContainerError::BadParameter("an image of one tile has no tile size"));
        }
        Ok(())
    }
}

/// The tiles along one side of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Axis {
    length: u32,
    tile: u32,
    overlap: u32,
    count: u32,
}

/// Distance between the beginnings of neighbours. At least 1, also for a tiling that no file has.
fn step(tile: u32, overlap: u32) -> u32 {
    tile.saturating_sub(overlap).max(1)
}

impl Axis {
    fn new(length: u32, tile: u32, overlap: u32) -> Self {
        // Each tile after the first adds `tile - overlap` new pixels, and the last at least one.
        let count = if length <= tile { 1 } else { length.saturating_sub(overlap).div_ceil(step(tile, overlap)) };
        Self { length, tile, overlap, count }
    }

    fn step(&self) -> u32 {
        step(self.tile, self.overlap)
    }

    fn begin(&self, index: u32) -> u32 {
        index.saturating_mul(self.step())
    }

    fn extent(&self, index: u32) -> u32 {
        self.tile.min(self.length.saturating_sub(self.begin(index)))
    }

    /// First and last tile with a pixel in `begin .. end`, which is not empty.
    fn touching(&self, begin: u32, end: u32) -> (u32, u32) {
        let last = ((end - 1) / self.step()).min(self.count - 1);
        // The tile before the one that begins at or before `begin` reaches `overlap` pixels beyond
        // that beginning.
        let at = (begin / self.step()).min(self.count - 1);
        let first = if at > 0 && begin - self.begin(at) < self.overlap { at - 1 } else { at };
        (first, last)
    }
}

/// The tiles of an image in rows from the top and, within a row, from the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileGrid {
    x: Axis,
    y: Axis,
}

impl TileGrid {
    /// The tiles of an image of `width` × `height` pixels, both at least 1; one tile without a
    /// tiling.
    #[must_use]
    pub(super) fn new(width: u32, height: u32, tiling: Option<Tiling>) -> Self {
        let Tiling { width: tile_width, height: tile_height, overlap } =
            tiling.unwrap_or(Tiling { width, height, overlap: 0 });
        let overlap = u32::from(overlap);
        Self { x: Axis::new(width, tile_width, overlap), y: Axis::new(height, tile_height, overlap) }
    }

    /// Number of tiles in a row.
    #[must_use]
    pub fn columns(&self) -> u32 {
        self.x.count
    }

    /// Number of rows of tiles.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.y.count
    }

    /// Number of tiles.
    #[must_use]
    pub fn count(&self) -> u64 {
        u64::from(self.columns()) * u64::from(self.rows())
    }

    /// Width in pixels of the strips that neighbours share.
    #[must_use]
    pub fn overlap(&self) -> u32 {
        self.x.overlap
    }

    /// The pixels of the tile in a column and row, which must exist.
    #[must_use]
    pub fn rect(&self, column: u32, row: u32) -> Rect {
        Rect { x: self.x.begin(column), y: self.y.begin(row), width: self.x.extent(column), height: self.y.extent(row) }
    }

    /// The pixels of all tiles, in their order.
    pub fn rects(self) -> impl Iterator<Item = Rect> {
        (0..self.rows()).flat_map(move |row| (0..self.columns()).map(move |column| self.rect(column, row)))
    }

    /// Columns and rows, first and last, of the tiles that share pixels with a rectangle, which is
    /// not empty and lies within the image.
    #[must_use]
    pub fn touching(&self, rect: Rect) -> ((u32, u32), (u32, u32)) {
        (self.x.touching(rect.x, rect.x + rect.width), self.y.touching(rect.y, rect.y + rect.height))
    }

    /// Pixels of the canvases of all tiles, saturating.
    #[must_use]
    pub fn canvas_pixels(&self) -> u64 {
        let sum = |axis: &Axis| {
            let inner = u64::from(axis.count - 1).saturating_mul(padded(axis.tile));
            inner.saturating_add(padded(axis.extent(axis.count - 1)))
        };
        sum(&self.x).saturating_mul(sum(&self.y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(width: u32, height: u32, tile: u32, overlap: u8) -> TileGrid {
        TileGrid::new(width, height, Some(Tiling { width: tile, height: tile, overlap }))
    }

    #[test]
    fn tiles_cover_every_pixel_and_overlap_as_said() {
        for overlap in [0, 1, 4, 32] {
            for length in 1..400 {
                let axis = Axis::new(length, 64, overlap);
                let mut end = 0;
                for index in 0..axis.count {
                    let begin = axis.begin(index);
                    assert_eq!(begin, if index == 0 { 0 } else { end - overlap }, "{length}, {overlap}");
                    let extent = axis.extent(index);
                    assert!(extent <= 64 && (index == 0 || extent > overlap));
                    end = begin + extent;
                }
                assert_eq!(end, length);
            }
        }
        // No pixel lies in more than two tiles, even where tiles overlap by half.
        let axis = Axis::new(1000, 64, 32);
        for x in 0..1000 {
            let (first, last) = axis.touching(x, x + 1);
            assert!(last - first <= 1);
        }
    }

    #[test]
    fn touching_tiles_are_those_that_hold_pixels() {
        for overlap in [0, 3, 16, 32] {
            for length in [1, 64, 65, 200, 333] {
                let axis = Axis::new(length, 64, overlap);
                for begin in 0..length {
                    for end in [begin + 1, (begin + 40).min(length), length] {
                        let holds = |&i: &u32| axis.begin(i) < end && axis.begin(i) + axis.extent(i) > begin;
                        let found: Vec<u32> = (0..axis.count).filter(holds).collect();
                        let (first, last) = axis.touching(begin, end);
                        assert_eq!(
                            (first, last),
                            (found[0], found[found.len() - 1]),
                            "{length} {overlap} {begin} {end}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn grids_know_their_tiles() {
        let grid = grid(300, 100, 128, 8);
        assert_eq!((grid.columns(), grid.rows(), grid.count()), (3, 1, 3));
        assert_eq!(grid.rect(2, 0), Rect { x: 240, y: 0, width: 60, height: 100 });
        assert_eq!(grid.canvas_pixels(), (128 + 128 + 64) * 128);
        assert_eq!(grid.touching(Rect { x: 125, y: 0, width: 3, height: 1 }), ((0, 1), (0, 0)));
        let one = TileGrid::new(300, 100, None);
        assert_eq!((one.count(), one.rect(0, 0).width, one.canvas_pixels()), (1, 300, 320 * 128));
        let huge = TileGrid::new(u32::MAX, u32::MAX, Some(Tiling { width: 64, height: 64, overlap: 0 }));
        assert_eq!(huge.count(), 1 << 52);
        assert!(huge.canvas_pixels() >= 1 << 63);
    }

    #[test]
    fn tile_sizes_are_checked() {
        let tiling = Tiling { width: 128, height: 64, overlap: 8 };
        assert!(tiling.check(129, 1).is_ok() && tiling.check(1, 65).is_ok());
        for bad in [
            Tiling { width: 100, ..tiling },
            Tiling { height: 0, ..tiling },
            Tiling { width: 4160, ..tiling },
            Tiling { overlap: 33, ..tiling },
        ] {
            assert!(bad.check(9999, 9999).is_err());
        }
        assert!(tiling.check(128, 64).is_err());
    }
}

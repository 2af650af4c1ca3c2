//! Small images made of the latents z1 to z3 only, by a model's thumbnail head.

use rayon::prelude::*;

use super::canvas::THUMBNAIL_LATENTS;
use super::decode::Region;
use super::fit_thumbnail::cell_means;
use super::latents::grid;
use super::tile::{DecodedTile, Need};
use super::{DecodeError, DecodeSummary, Model, Scale};
use crate::image::convert::{from_network, to_network};
use crate::image::{Image, Samples};
use crate::model::{LATENT_LEVELS, THUMBNAIL_STRIDE};
use heirloom_format::container::Rect;
use heirloom_kernels::Map;

/// The means of squares of 8 × 8 pixels of a tile, as the network's values.
struct Cells {
    colour: Map,
    /// In three equal channels; `None` where all is opaque.
    alpha: Option<Map>,
}

/// A tile in an eighth of its size.
struct SmallTile {
    /// `None` if nothing of the tile could be read.
    cells: Option<Cells>,
    latents: usize,
    problem: Option<DecodeError>,
}

impl Model {
    /// Decodes a region at an eighth of its size or less. Where tiles overlap, the last shows.
    pub(super) fn decode_thumbnail(
        &self,
        region: &Region<'_>,
        scale: Scale,
    ) -> Result<(Samples, DecodeSummary), DecodeError> {
        let Region { head, rect, parallel, .. } = *region;
        let (format, tiles) = (head.header.pixel_format, head.header.tiles());
        let (width, height) = (scale.of(rect.width), scale.of(rect.height));
        let mut colour = Map::zeros(height as usize, width as usize, 3);
        let mut alpha = format.has_alpha().then(|| Map::filled(height as usize, width as usize, &[1.0; 3]));
        let mut summary = DecodeSummary { latents: LATENT_LEVELS, ..DecodeSummary::default() };
        let ((left, right), (top, bottom)) = tiles.touching(rect);
        let places: Vec<(u32, u32)> =
            (top..=bottom).flat_map(|row| (left..=right).map(move |column| (row, column))).collect();
        for places in places.chunks(parallel) {
            let decode = |&(row, column): &(u32, u32)| {
                let number = row * tiles.columns() + column;
                self.decode_small_tile(region, number, tiles.rect(column, row))
            };
            let decoded: Vec<_> = places.par_iter().map(decode).collect();
            for (&(row, column), tile) in places.iter().zip(decoded) {
                let SmallTile { cells, latents, problem } = tile?;
                summary.tiles += 1;
                summary.damaged_tiles += u64::from(problem.is_some());
                summary.latents = summary.latents.min(latents);
                if let Some(problem) = problem {
                    if region.need.strict {
                        return Err(problem);
                    }
                    summary.problem.get_or_insert(problem);
                }
                // Without cells it stays grey.
                let Some(cells) = cells else { continue };
                let place = Place { tile: tiles.rect(column, row), region: rect, divisor: scale.divisor() };
                place.draw(&cells.colour, &mut colour);
                if let (Some(cells), Some(alpha)) = (&cells.alpha, &mut alpha) {
                    place.draw(cells, alpha);
                }
            }
        }
        let mut image = from_network(&colour, width, height, format.without_alpha())?;
        if let Some(alpha) = alpha {
            image = image.with_alpha(&from_network(&alpha, width, height, format.grey())?)?;
        }
        Ok((image.into_samples(), summary))
    }

    fn decode_small_tile(&self, region: &Region<'_>, number: u32, tile: Rect) -> Result<SmallTile, DecodeError> {
        let Region { head, source, setting, need, .. } = *region;
        let need = Need { shown: tile, ..need };
        if head.tile(number).lossless {
            let DecodedTile { image, latents, problem } =
                self.decode_tile(head, source, number, tile, setting, need)?;
            return Ok(SmallTile { cells: image.map(Cells::of), latents, problem });
        }
        self.check_lineage(&head.header)?;
        let (sections, mut problem) = super::tile::latent_sections(head, source, number, need.latents)?;
        if sections[0].is_none() || (need.strict && problem.is_some()) {
            return Ok(SmallTile { cells: None, latents: 0, problem });
        }
        let bytes = sections.each_ref().map(|section| section.as_deref());
        let Some(mut canvas) = self.decode_canvas_thumbnail(setting, grid(tile), bytes) else {
            return Ok(SmallTile { cells: None, latents: 0, problem });
        };
        if let Some(DecodeError::Entropy { tile, .. }) = &mut canvas.problem {
            *tile = head.header.tiling.map(|_| number);
        }
        problem = canvas.problem.or(problem);
        let mut alpha = None;
        if head.header.pixel_format.has_alpha() {
            let (decoded, trouble) = super::tile::decode_alpha(head, source, number, tile, tile)?;
            problem = problem.or(trouble);
            alpha = Some(cell_means(&to_network(&decoded), THUMBNAIL_STRIDE));
        }
        let latents = if canvas.latents == THUMBNAIL_LATENTS { LATENT_LEVELS } else { canvas.latents };
        Ok(SmallTile { cells: Some(Cells { colour: canvas.map, alpha }), latents, problem })
    }
}

impl Cells {
    /// The means of an image. Colour is weighted by alpha.
    fn of(image: Image) -> Self {
        let (image, alpha) = image.split_alpha();
        let mut colour = to_network(&image);
        let plain = cell_means(&colour, THUMBNAIL_STRIDE);
        let Some(alpha) = alpha.map(|alpha| to_network(&alpha)) else { return Self { colour: plain, alpha: None } };
        let weight = |alpha: f32| (alpha + 1.0) / 2.0;
        colour.data.iter_mut().zip(&alpha.data).for_each(|(value, &alpha)| *value *= weight(alpha));
        let mut means = cell_means(&colour, THUMBNAIL_STRIDE);
        let alpha = cell_means(&alpha, THUMBNAIL_STRIDE);
        for ((mean, &alpha), &plain) in means.data.iter_mut().zip(&alpha.data).zip(&plain.data) {
            *mean = if alpha > -1.0 { *mean / weight(alpha) } else { plain };
        }
        Self { colour: means, alpha: Some(alpha) }
    }
}

/// Where the cells of a tile go.
struct Place {
    tile: Rect,
    region: Rect,
    divisor: u32,
}

impl Place {
    /// Draws cells, interpolated linearly, wherever the centre of a pixel of `out` lies in the tile.
    fn draw(&self, cells: &Map, out: &mut Map) {
        let Self { tile, region, divisor } = *self;
        let axis = |count: usize, origin: u32, length: u32, begin: u32, size: u32, cells: usize| {
            let taps = (0..count).filter_map(move |i| {
                // In pixels of the image; the last square may be cut off by its edge.
                let centre = (origin + i as u32 * divisor + divisor / 2).min(origin + length);
                let inside = centre.checked_sub(begin).filter(|&at| at <= size)?;
                let at = (inside as f32 / THUMBNAIL_STRIDE as f32 - 0.5).clamp(0.0, (cells - 1) as f32);
                let first = at as usize;
                Some((i, first, (first + 1).min(cells - 1), at - first as f32))
            });
            taps.collect::<Vec<_>>()
        };
        let used = |pixels: u32| (pixels as usize).div_ceil(THUMBNAIL_STRIDE);
        let rows = axis(out.height, region.y, region.height, tile.y, tile.height, used(tile.height));
        let columns = axis(out.width, region.x, region.width, tile.x, tile.width, used(tile.width));
        for (y, above, below, down) in rows {
            for &(x, left, right, along) in &columns {
                for c in 0..3 {
                    let cell = |y: usize, x: usize| cells.data[(y * cells.width + x) * 3 + c];
                    let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
                    let [upper, lower] = [above, below].map(|y| mix(cell(y, left), cell(y, right), along));
                    out.data[(y * out.width + x) * 3 + c] = mix(upper, lower, down);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::PixelFormat;

    #[test]
    fn cells_are_drawn_where_their_pixels_are() {
        // Cells that are a slope along x: at pixel p it is p.
        let mut cells = Map::zeros(2, 4, 3);
        cells.data.iter_mut().enumerate().for_each(|(i, v)| *v = (i / 3 % 4 * 8 + 4) as f32);
        let rect = |x, width| Rect { x, y: 0, width, height: 16 };
        let drawn = |tile, region, divisor| {
            let mut out = Map::filled(1, 4, &[-1.0; 3]);
            Place { tile, region, divisor }.draw(&cells, &mut out);
            out.data.chunks(3).map(|pixel| pixel[0]).collect::<Vec<_>>()
        };
        assert_eq!(drawn(rect(0, 32), rect(0, 32), 8), [4.0, 12.0, 20.0, 28.0]);
        // A tile that begins within the image, at a place that is no multiple of 8.
        assert_eq!(drawn(rect(10, 32), rect(0, 32), 8), [-1.0, 4.0, 10.0, 18.0]);
        assert_eq!(drawn(rect(0, 32), rect(0, 64), 16), [8.0, 24.0, -1.0, -1.0]);
        // A crop begins with a square of its own.
        assert_eq!(drawn(rect(0, 32), rect(3, 29), 8), [7.0, 15.0, 23.0, 28.0]);
    }

    #[test]
    fn colour_beneath_transparency_has_no_weight() {
        let pixel = |x: usize| if x < 32 { [255, 0, 0, 255] } else { [0, 255, 0, 0] };
        let data = (0..64 * 64).flat_map(|i| pixel(i % 64 + 4)).collect();
        let cells = Cells::of(Image::new(64, 64, PixelFormat::Rgba8, data).unwrap());
        // The fourth cell is half transparent.
        assert_eq!(cells.colour.data[3 * 3..4 * 3], [1.0, -1.0, -1.0]);
        assert_eq!(cells.alpha.unwrap().data[3 * 3], 0.0);
        assert_eq!(cells.colour.data[5 * 3..6 * 3], [-1.0, 1.0, -1.0]);
    }
}

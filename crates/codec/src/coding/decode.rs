//! File to image.

use rayon::prelude::*;

use super::band::{Band, shown};
use super::canvas::{Setting, THUMBNAIL_LATENTS};
use super::latents::grid;
use super::memory::{DecodeMemory, is_allowed};
use super::rows::{ImageSink, RowSink};
use super::scale::Shrink;
use super::tile::{DecodedTile, Need};
use super::{DecodeError, DecodeOptions, Latents, Model, Scale};
use crate::image::{Image, ImageError};
use crate::model::LATENT_LEVELS;
use heirloom_format::container::{File, Head, Header, Rect, Source, TileColour, parse};
use heirloom_kernels::{Engine, Isa};

/// The image that could be made of a damaged or shortened file.
#[derive(Clone, Debug)]
pub struct Partial {
    /// The image, with as much detail as there was. Of tiles of which nothing is left it is grey.
    pub image: Image,
    /// Facts about it.
    pub summary: DecodeSummary,
}

/// Facts about a decoded image.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DecodeSummary {
    /// Number of tiles that were decoded.
    pub tiles: u64,
    /// Number of those that are not whole.
    pub damaged_tiles: u64,
    /// Number of latents that are whole in each of these tiles, 0 to 4: 4 unless one is damaged. A
    /// lossless tile counts as 4.
    pub latents: usize,
    /// What is wrong with the file; `None` for a whole file.
    pub problem: Option<DecodeError>,
}

/// A part of an image, with the tiles that it needs.
pub(super) struct Region<'a> {
    pub head: &'a Head,
    pub source: &'a dyn Source,
    pub rect: Rect,
    pub setting: Setting,
    pub parallel: usize,
    pub need: Need,
}

impl Model {
    /// Decodes a file. The result does not depend on the machine's instruction set or number of
    /// threads.
    ///
    /// # Errors
    /// Every kind of [`DecodeError`]; [`DecodeError::fault`] sorts them.
    pub fn decode(&self, bytes: &[u8], options: &DecodeOptions) -> Result<Image, DecodeError> {
        self.decode_from(&bytes, options)
    }

    /// Decodes a file of which only what is needed is read: for a [crop](DecodeOptions::crop), the
    /// index and the sections of its tiles.
    ///
    /// # Errors
    /// See [`Self::decode`]. Damage in what is not read goes unnoticed.
    pub fn decode_from(&self, source: &dyn Source, options: &DecodeOptions) -> Result<Image, DecodeError> {
        let mut sink = ImageSink::default();
        self.run(source, options, true, true, &mut sink)?;
        Ok(sink.into_image()?)
    }

    /// Decodes the whole part of a file that is damaged or cut short behind its header. Missing
    /// detail is replaced by what the model expects. Damage in one tile does not change a sample of
    /// any pixel that lies in other tiles only.
    ///
    /// # Errors
    /// Errors of the header; see [`Self::decode`].
    pub fn decode_partial(&self, bytes: &[u8], options: &DecodeOptions) -> Result<Partial, DecodeError> {
        self.decode_partial_from(&bytes, options)
    }

    /// Decodes what is whole of a file of which only what is needed is read.
    ///
    /// # Errors
    /// See [`Self::decode_partial`].
    pub fn decode_partial_from(&self, source: &dyn Source, options: &DecodeOptions) -> Result<Partial, DecodeError> {
        let mut sink = ImageSink::default();
        let summary = self.run(source, options, false, true, &mut sink)?;
        Ok(Partial { image: sink.into_image()?, summary })
    }

    /// Decodes a file row by row, with no more than a row of tiles in memory.
    ///
    /// # Errors
    /// See [`Self::decode`]; a sink that fails. Rows that were written before an error are right.
    pub fn decode_rows(
        &self,
        source: &dyn Source,
        options: &DecodeOptions,
        sink: &mut dyn RowSink,
    ) -> Result<DecodeSummary, DecodeError> {
        self.run(source, options, true, false, sink)
    }

    /// Decodes row by row what is whole of a file, as [`Self::decode_partial`] does.
    ///
    /// # Errors
    /// Errors of the header, and a sink that fails.
    pub fn decode_rows_partial(
        &self,
        source: &dyn Source,
        options: &DecodeOptions,
        sink: &mut dyn RowSink,
    ) -> Result<DecodeSummary, DecodeError> {
        self.run(source, options, false, false, sink)
    }

    fn run(
        &self,
        source: &dyn Source,
        options: &DecodeOptions,
        strict: bool,
        collected: bool,
        sink: &mut dyn RowSink,
    ) -> Result<DecodeSummary, DecodeError> {
        let head = Head::read(source, &options.limits)?;
        let header = &head.header;
        let whole = Rect { x: 0, y: 0, width: header.width, height: header.height };
        let rect = options.crop.unwrap_or(whole);
        let fits =
            |begin: u32, length: u32, end: u32| length > 0 && begin.checked_add(length).is_some_and(|e| e <= end);
        if !fits(rect.x, rect.width, header.width) || !fits(rect.y, rect.height, header.height) {
            return Err(DecodeError::Crop { crop: rect, width: header.width, height: header.height });
        }
        let mut problem = head.check().err();
        if rect == whole {
            problem = problem.or(head.check_end(source).err());
        }
        if let Some(problem) = problem.clone().filter(|_| strict) {
            return Err(problem.into());
        }
        if header.tiling.is_none() && !head.tile(0).lossless {
            self.check_lineage(header)?;
        }
        let quick = options.quick && options.scale >= Scale::Eighth && self.network.reconstruction.has_thumbnail();
        let latents = if quick { THUMBNAIL_LATENTS } else { options.scale.latents() };
        if strict && collected && rect == whole && latents == LATENT_LEVELS {
            // Before any work, since what is collected is of no use then.
            head.verify(source)?;
        }
        let ((first, last), _) = header.tiles().touching(rect);
        let (width, height) = (options.scale.of(rect.width), options.scale.of(rect.height));
        let kept = if collected { u64::from(width) * u64::from(height) } else { 0 };
        let memory = DecodeMemory::new(&self.metadata.spec, header, rect.width, last - first + 1, kept);
        let needed = memory.least();
        if !is_allowed(needed, options.max_memory) {
            return Err(DecodeError::Memory { needed, allowed: options.max_memory });
        }
        let setting = self.setting(header, options)?;
        let parallel = memory.parallel(options.max_memory);
        let need = Need { shown: rect, latents, strict };
        let region = Region { head: &head, source, rect, setting, parallel, need };
        sink.begin(width, height, header.pixel_format, &head.metadata)?;
        let mut summary = if options.scale == Scale::Full {
            self.decode_region(&region, sink)?
        } else if quick {
            let (rows, summary) = self.decode_thumbnail(&region, options.scale)?;
            sink.write_rows(&rows)?;
            summary
        } else {
            let mut shrink = Shrink::new(sink, options.scale, rect.width, header.pixel_format);
            let summary = self.decode_region(&region, &mut shrink)?;
            shrink.finish()?;
            summary
        };
        summary.problem = problem.map(DecodeError::from).or(summary.problem);
        Ok(summary)
    }

    fn decode_region(&self, region: &Region<'_>, sink: &mut dyn RowSink) -> Result<DecodeSummary, DecodeError> {
        let Region { rect, .. } = *region;
        let header = &region.head.header;
        let tiles = header.tiles();
        let ((_, _), (first_row, last_row)) = tiles.touching(rect);
        let mut summary = DecodeSummary { latents: LATENT_LEVELS, ..DecodeSummary::default() };
        let mut above: Option<Band> = None;
        for row in first_row..=last_row {
            let mut band = self.decode_band(region, row, &mut summary)?;
            if let Some(above) = &above {
                band.blend(above, header.pixel_format.channels());
            }
            // What the next row of tiles does not change.
            let end = if row < last_row { tiles.rect(0, row + 1).y } else { rect.y + rect.height };
            let ready = band.take_until(end);
            if !ready.is_empty() {
                sink.write_rows(&ready)?;
            }
            above = Some(band);
        }
        Ok(summary)
    }

    /// Decodes what the region needs of one row of tiles, and blends tiles with their neighbours in
    /// the row.
    fn decode_band(&self, region: &Region<'_>, row: u32, summary: &mut DecodeSummary) -> Result<Band, DecodeError> {
        let Region { head, source, rect, setting, parallel, need } = *region;
        let format = head.header.pixel_format;
        let tiles = head.header.tiles();
        let ((first, last), _) = tiles.touching(rect);
        let mut band = Band::new(rect, tiles.rect(first, row), tiles.overlap(), format);
        let columns: Vec<u32> = (first..=last).collect();
        for columns in columns.chunks(parallel) {
            let decode = |&column: &u32| {
                let number = u64::from(row) * u64::from(tiles.columns()) + u64::from(column);
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                let tile = tiles.rect(column, row);
                self.decode_tile(head, source, number, tile, setting, Need { shown: shown(tile, rect), ..need })
            };
            let decoded: Vec<_> = columns.par_iter().map(decode).collect();
            for (&column, tile) in columns.iter().zip(decoded) {
                let DecodedTile { image, latents, problem } = tile?;
                summary.tiles += 1;
                summary.damaged_tiles += u64::from(problem.is_some());
                summary.latents = summary.latents.min(latents);
                if let Some(problem) = problem {
                    if need.strict {
                        return Err(problem);
                    }
                    summary.problem.get_or_insert(problem);
                }
                band.place(image, tiles.rect(column, row), format)?;
            }
        }
        Ok(band)
    }

    /// Decodes the latents of a file without making an image. All generations of a lineage give the
    /// same bits.
    ///
    /// # Errors
    /// Every kind of [`DecodeError`]; [`DecodeError::fault`] sorts them.
    pub fn decode_latents(&self, bytes: &[u8], options: &DecodeOptions) -> Result<Latents, DecodeError> {
        let File { header, tiles, .. } = parse(bytes, &options.limits)?;
        self.check_lineage(&header)?;
        let setting = self.setting(&header, options)?;
        self.check_memory(&header, options)?;
        let latents = header.tiles().rects().zip(tiles).map(|(rect, tile)| match &tile.colour {
            TileColour::Latents(sections) => self.decode_canvas_latents(setting, grid(rect), sections).map(Some),
            TileColour::Lossless(_) => Ok(None),
        });
        Ok(Latents { header, tiles: latents.collect::<Result<_, _>>()? })
    }

    /// Makes an image of latents, the second half of [`Self::decode`]. The image has no metadata
    /// and no alpha.
    ///
    /// # Errors
    /// Latents of another lineage or of wrong shapes, tiles without latents, or an image that is
    /// empty or too large.
    pub fn reconstruct(&self, latents: &Latents, options: &DecodeOptions) -> Result<Image, DecodeError> {
        let header = &latents.header;
        self.check_lineage(header)?;
        if header.width == 0 || header.height == 0 {
            return Err(ImageError::Empty { width: header.width, height: header.height }.into());
        }
        latents.check(&self.metadata.spec)?;
        let setting = self.setting(header, options)?;
        self.check_memory(header, options)?;
        let format = header.pixel_format.without_alpha();
        let whole = Rect { x: 0, y: 0, width: header.width, height: header.height };
        let tiles = header.tiles();
        let mut sink = ImageSink::default();
        sink.begin(header.width, header.height, format, &crate::image::Metadata::default())?;
        let mut above: Option<Band> = None;
        let mut maps = latents.tiles.iter();
        for row in 0..tiles.rows() {
            let mut band = Band::new(whole, tiles.rect(0, row), tiles.overlap(), format);
            for column in 0..tiles.columns() {
                let rect = tiles.rect(column, row);
                let Some(Some(maps)) = maps.next() else { return Err(DecodeError::NoLatents) };
                let map = self.reconstruct_canvas(setting, grid(rect), maps)?;
                let image = crate::image::convert::from_network(&map, rect.width, rect.height, format)?;
                band.place(Some(image), rect, format)?;
            }
            if let Some(above) = &above {
                band.blend(above, format.channels());
            }
            let end = if row + 1 < tiles.rows() { tiles.rect(0, row + 1).y } else { header.height };
            sink.write_rows(&band.take_until(end))?;
            above = Some(band);
        }
        Ok(sink.into_image()?)
    }

    /// Checks that this model decodes files with this header.
    pub(super) fn check_lineage(&self, header: &Header) -> Result<(), DecodeError> {
        if self.metadata.lineage.reads(header) {
            return Ok(());
        }
        let present = self.metadata.lineage.entropy_id;
        let (needed, generation) = (header.entropy_id, header.generation);
        Err(DecodeError::UnknownModel { needed, generation, present })
    }

    fn setting(&self, header: &Header, options: &DecodeOptions) -> Result<Setting, DecodeError> {
        let isa = options.isa.unwrap_or_else(Isa::best);
        let engine = Engine::at(isa).ok_or(DecodeError::Isa(isa))?;
        // Files of other lineages are refused where their latents are read.
        let add_on = self.metadata.lineage.heads_of(header).unwrap_or_default();
        Ok(Setting { engine, lambda: header.lambda, add_on })
    }

    fn check_memory(&self, header: &Header, options: &DecodeOptions) -> Result<(), DecodeError> {
        let pixels = u64::from(header.width) * u64::from(header.height);
        let memory = DecodeMemory::new(&self.metadata.spec, header, header.width, header.tiles().columns(), pixels);
        if !is_allowed(memory.least(), options.max_memory) {
            return Err(DecodeError::Memory { needed: memory.least(), allowed: options.max_memory });
        }
        Ok(())
    }
}

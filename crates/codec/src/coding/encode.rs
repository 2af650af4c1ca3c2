//! Image to file.

use std::io::{Cursor, Read, SeekFrom, Write};

use rayon::prelude::*;

use super::canvas::Setting;
use super::memory::{EncodeMemory, is_allowed};
use super::pixels::{Rows, Window};
use super::rows::{ImageRows, RowSource, Spool};
use super::tile::EncodedTile;
use super::{AddOns, EncodeError, EncodeOptions, Latents, Model};
use crate::image::{Image, ImageError, Metadata};
use crate::model::LATENT_LEVELS;
use heirloom_format::container::{
    Header, Part, Rect, Span, Tile, TileColour, TileEntry, TileGrid, file_order, tile_section, write_head,
};
use heirloom_kernels::{Engine, Isa};

/// Facts about an encoded image.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EncodeSummary {
    /// Bytes of the file.
    pub bytes: u64,
    /// Number of tiles.
    pub tiles: u64,
    /// Number of tiles that are stored without loss.
    pub lossless_tiles: u64,
    /// Mean squared error of the colour, in units of 8-bit samples; `None` unless all tiles were
    /// measured, as they are by [`Lossless::WhereBetter`](super::Lossless::WhereBetter). Pixels that
    /// tiles share count twice.
    pub mean_squared_error: Option<f64>,
    /// The share of the loss, bits + λ · squared error, that [`Effort`](super::Effort) has saved, from 0
    /// to 1.
    pub saved: f64,
}

/// Latents and rates of an encoded image.
#[derive(Clone, Debug)]
pub struct EncodeReport {
    /// The latents that every decoder finds in the file.
    pub latents: Latents,
    /// Bits of each latent under the network's own Gaussian probabilities, as training counts them.
    pub estimated_bits: [f64; LATENT_LEVELS],
    /// Bytes of each latent's sections, without their frames.
    pub section_bytes: [usize; LATENT_LEVELS],
}

/// What is known of an image before its pixels.
struct Plan {
    header: Header,
    grid: TileGrid,
    setting: Setting,
    /// Number of tiles that are encoded at the same time.
    parallel: usize,
}

impl Model {
    /// Encodes an image. The result does not depend on the machine's instruction set or number of
    /// threads.
    ///
    /// # Errors
    /// A λ outside the model's range, an image that needs too much memory, metadata that is too
    /// long for the format.
    pub fn encode(&self, image: &Image, options: &EncodeOptions) -> Result<Vec<u8>, EncodeError> {
        Ok(self.encode_with_summary(image, options)?.0)
    }

    /// Encodes an image like [`Self::encode`], and says what became of it.
    ///
    /// # Errors
    /// See [`Self::encode`].
    pub fn encode_with_summary(
        &self,
        image: &Image,
        options: &EncodeOptions,
    ) -> Result<(Vec<u8>, EncodeSummary), EncodeError> {
        let encode = |options: &EncodeOptions| -> Result<_, EncodeError> {
            let (mut bytes, mut spool) = (Vec::new(), Cursor::new(Vec::new()));
            let rows = &mut ImageRows::new(image);
            let summary = self.encode_rows(rows, &image.metadata, options, &mut spool, &mut bytes)?;
            Ok((bytes, summary))
        };
        let first = encode(options)?;
        if options.add_ons != AddOns::WhereBetter || self.metadata.lineage.add_ons.is_empty() {
            return Ok(first);
        }
        let second = encode(&options.with_add_ons(AddOns::Never))?;
        let pixels = f64::from(image.width()) * f64::from(image.height());
        let loss = |summary: &EncodeSummary| {
            let error = summary.mean_squared_error.unwrap_or_default() / (127.5 * 127.5);
            8.0 * summary.bytes as f64 + f64::from(options.lambda) * error * pixels
        };
        Ok(if loss(&second.1) < loss(&first.1) { second } else { first })
    }

    /// Encodes an image whose rows come one after another, and writes its file. No more than a row
    /// of tiles is in memory.
    ///
    /// Coded tiles go to the `spool` until all are known, because a file begins with an index and
    /// the coarse latents of all tiles.
    ///
    /// # Errors
    /// See [`Self::encode`]; rows that cannot be read, and a spool or sink that cannot be written.
    pub fn encode_rows(
        &self,
        source: &mut dyn RowSource,
        metadata: &Metadata,
        options: &EncodeOptions,
        spool: &mut dyn Spool,
        sink: &mut dyn Write,
    ) -> Result<EncodeSummary, EncodeError> {
        let plan = self.plan(source, options)?;
        let mut summary = EncodeSummary { tiles: plan.grid.count(), ..EncodeSummary::default() };
        let (mut entries, mut position) = (Vec::new(), 0);
        let (mut squares, mut pixels) = (Some(0.0), 0);
        let mut losses = [0.0; 2];
        self.each_tile(&plan, source, options, false, &mut |encoded| {
            let EncodedTile { tile, pixels: count, error, .. } = encoded;
            losses.iter_mut().zip(encoded.losses).for_each(|(sum, loss)| *sum += loss);
            summary.lossless_tiles += u64::from(matches!(tile.colour, TileColour::Lossless(_)));
            squares = squares.zip(error).map(|(sum, error)| sum + error * count as f64);
            pixels += count;
            entries.push(spool_tile(&tile, spool, &mut position)?);
            Ok(())
        })?;
        summary.saved = if losses[0] > 0.0 { 1.0 - losses[1] / losses[0] } else { 0.0 };
        summary.mean_squared_error = squares.map(|squares| squares / pixels as f64 * 127.5 * 127.5);
        let head = write_head(&plan.header, metadata, &entries)?;
        sink.write_all(&head)?;
        summary.bytes = head.len() as u64 + position;
        if entries.len() == 1 {
            // The spool has the sections in the order of the file.
            spool.seek(SeekFrom::Start(0))?;
            std::io::copy(&mut spool.take(position), sink)?;
        } else {
            let mut section = Vec::new();
            for (_, span) in file_order(&entries) {
                spool.seek(SeekFrom::Start(span.position))?;
                section.clear();
                spool.take(span.section_bytes()).read_to_end(&mut section)?;
                sink.write_all(&section)?;
            }
        }
        Ok(summary)
    }

    /// Encodes an image like [`Self::encode`], and reports latents and rates. Takes more time and
    /// memory.
    ///
    /// # Errors
    /// See [`Self::encode`].
    pub fn encode_with_report(
        &self,
        image: &Image,
        options: &EncodeOptions,
    ) -> Result<(Vec<u8>, EncodeReport), EncodeError> {
        let source = &mut ImageRows::new(image);
        let plan = self.plan(source, options)?;
        let (mut estimated_bits, mut section_bytes) = ([0.0; LATENT_LEVELS], [0; LATENT_LEVELS]);
        let (mut tiles, mut latents) = (Vec::new(), Vec::new());
        self.each_tile(&plan, source, options, true, &mut |encoded| {
            if let TileColour::Latents(sections) = &encoded.tile.colour {
                section_bytes.iter_mut().zip(sections).for_each(|(sum, section)| *sum += section.len());
            }
            tiles.push(encoded.tile);
            let (maps, bits) = encoded.report.unzip();
            estimated_bits.iter_mut().zip(bits.unwrap_or_default()).for_each(|(sum, bits)| *sum += bits);
            latents.push(maps);
            Ok(())
        })?;
        let header = plan.header;
        let file = heirloom_format::container::File { header, metadata: image.metadata.clone(), tiles };
        let bytes = heirloom_format::container::write(&file)?;
        Ok((bytes, EncodeReport { latents: Latents { header, tiles: latents }, estimated_bits, section_bytes }))
    }

    fn plan(&self, source: &dyn RowSource, options: &EncodeOptions) -> Result<Plan, EncodeError> {
        if self.network.encoder.is_none() {
            return Err(EncodeError::NoEncoder);
        }
        self.metadata.lambda.encoder.check(options.lambda)?;
        if options.effort.steps() > 0 && cfg!(not(feature = "effort")) {
            return Err(EncodeError::NoEffort);
        }
        let (width, height) = source.size();
        if width == 0 || height == 0 {
            return Err(ImageError::Empty { width, height }.into());
        }
        let lineage = &self.metadata.lineage;
        let add_on = if options.add_ons == AddOns::Never { 0 } else { lineage.add_ons.len() };
        let entropy_id = lineage.entropy_ids().nth(add_on).unwrap_or(&lineage.entropy_id);
        let header = Header {
            width,
            height,
            pixel_format: source.format(),
            tiling: options.tiles.tiling(width, height),
            lambda: options.lambda,
            entropy_id: entropy_id.short(),
            generation: lineage.generation,
            generation_id: lineage.generation_id.short(),
        };
        let grid = header.tiles();
        let memory = EncodeMemory::new(&self.metadata.spec, &header, options);
        let needed = memory.of(1);
        if !is_allowed(needed, options.max_memory) {
            return Err(EncodeError::Memory { needed, allowed: options.max_memory });
        }
        let isa = options.isa.unwrap_or_else(Isa::best);
        let engine = Engine::at(isa).ok_or(EncodeError::Isa(isa))?;
        let setting = Setting { engine, lambda: options.lambda, add_on };
        Ok(Plan { header, grid, setting, parallel: memory.parallel(options.max_memory) })
    }

    /// Encodes all tiles, and hands them to `take` in their order.
    fn each_tile(
        &self,
        plan: &Plan,
        source: &mut dyn RowSource,
        options: &EncodeOptions,
        report: bool,
        take: &mut dyn FnMut(EncodedTile) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let format = plan.header.pixel_format;
        let stride = plan.header.width as usize * format.channels();
        let mut band = Rows::zeros(format.bits(), stride, 0);
        for row in 0..plan.grid.rows() {
            let Rect { height, .. } = plan.grid.rect(0, row);
            let kept = band.rows();
            let more = height - kept as u32;
            let rows = source.read_rows(more)?;
            let expected = more as usize * stride;
            if rows.len() != expected || rows.bits() != format.bits() {
                return Err(ImageError::Length { found: rows.len(), expected: expected as u64 }.into());
            }
            band.append(rows)?;
            let columns: Vec<u32> = (0..plan.grid.columns()).collect();
            for columns in columns.chunks(plan.parallel) {
                let encode = |&column: &u32| {
                    let Rect { x, width, height, .. } = plan.grid.rect(column, row);
                    let channels = format.channels();
                    let (x, width_samples) = (x as usize * channels, width as usize * channels);
                    let window = Window { x, y: 0, width: width_samples, height: height as usize };
                    let image = Image::from_samples(width, height, format, band.cut(window))?;
                    self.encode_tile(plan.setting, image, options, report)
                };
                let encoded: Vec<_> = columns.par_iter().map(encode).collect();
                for tile in encoded {
                    take(tile?)?;
                }
            }
            band = band.last(if row + 1 < plan.grid.rows() { plan.grid.overlap() as usize } else { 0 });
        }
        Ok(())
    }
}

/// Writes the sections of a tile to the spool. Returns where in the spool they lie.
fn spool_tile(tile: &Tile, spool: &mut dyn Spool, position: &mut u64) -> Result<TileEntry, EncodeError> {
    let mut put = |part: Part, payload: &[u8]| -> Result<Option<Span>, EncodeError> {
        let section = tile_section(part, payload)?;
        spool.write_all(&section)?;
        let span = Span { position: *position, length: payload.len() as u32 };
        *position += section.len() as u64;
        Ok(Some(span))
    };
    let mut entry = TileEntry::default();
    if let Some(alpha) = &tile.alpha {
        entry.alpha = put(Part::Alpha, alpha)?;
    }
    match &tile.colour {
        TileColour::Lossless(stream) => {
            entry.lossless = true;
            entry.colour[0] = put(Part::Lossless, stream)?;
        }
        TileColour::Latents(latents) => {
            for (level, (place, latent)) in (1..).zip(entry.colour.iter_mut().zip(latents)) {
                *place = put(Part::Latent(level), latent)?;
            }
        }
    }
    Ok(entry)
}

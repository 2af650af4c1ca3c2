//! Reading of files: what stands before the tiles, and then any section of any tile.

use std::borrow::Cow;

use super::bytes::ReadError;
use super::header::MAX_HEADER;
use super::part::kind;
use super::section::{frame_at, payload_at};
use super::{
    Cicp, ContainerError, File, Header, Metadata, Part, Resolution, Section, Source, Span, Tile, TileColour, TileEntry,
    index,
};

/// Limits of what a file may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Largest number of pixels of the canvases of all tiles, whose sides are multiples of
    /// [`CANVAS_UNIT`](super::CANVAS_UNIT). The default is 2^28.
    pub max_pixels: u64,
    /// Largest number of bytes of all metadata together. The default is 64 MiB.
    pub max_metadata_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_pixels: 1 << 28, max_metadata_bytes: 64 << 20 }
    }
}

impl Limits {
    /// No limits, for trusted files.
    #[must_use]
    pub fn none() -> Self {
        Self { max_pixels: u64::MAX, max_metadata_bytes: u64::MAX }
    }

    fn check(what: &'static str, value: u64, limit: u64) -> Result<(), ContainerError> {
        if value > limit { Err(ContainerError::OverLimit { what, value, limit }) } else { Ok(()) }
    }
}

/// All of a file that stands before its tiles, and where each section of each tile lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The header.
    pub header: Header,
    /// The metadata that is whole.
    pub metadata: Metadata,
    /// The tiles in rows from the top. Fewer than there should be if a file without its index is
    /// cut short.
    tiles: Vec<TileEntry>,
    /// Position behind the last section.
    end: u64,
    /// The first problem of metadata, index or the order of sections.
    problem: Option<ContainerError>,
}

/// Reads the header alone. Returns it and the position of the first section.
///
/// # Errors
/// Every kind of [`ContainerError`], for the header.
pub fn parse_header(bytes: &[u8], limits: &Limits) -> Result<(Header, usize), ContainerError> {
    let (header, position) = Header::read(bytes)?;
    Limits::check("padded pixel count", header.padded_pixels(), limits.max_pixels)?;
    Ok((header, position))
}

/// Reads a whole file.
///
/// Allocates at most as much memory as the length of `bytes`, and that of its index.
///
/// # Errors
/// Every kind of [`ContainerError`].
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<File, ContainerError> {
    let head = Head::read(&bytes, limits)?;
    head.check()?;
    let owned = |tile, part| head.section(&bytes, tile, part).map(Cow::into_owned);
    let tiles = (0u32..).zip(&head.tiles).map(|(number, entry)| {
        let alpha = entry.alpha.map(|_| owned(number, Part::Alpha)).transpose()?;
        let colour = if entry.lossless {
            TileColour::Lossless(owned(number, Part::Lossless)?)
        } else {
            let latent = |level| owned(number, Part::Latent(level));
            TileColour::Latents([latent(1)?, latent(2)?, latent(3)?, latent(4)?])
        };
        Ok(Tile { alpha, colour })
    });
    let tiles = tiles.collect::<Result<_, ContainerError>>()?;
    head.check_end(&bytes)?;
    Ok(File { header: head.header, metadata: head.metadata, tiles })
}

impl Head {
    /// Reads header, metadata and index. Of the tiles of a file with an index nothing is read; of
    /// one without, the first bytes of each section.
    ///
    /// Problems behind the header are not errors here: what is whole is read, and [`Self::check`]
    /// reports the first.
    ///
    /// # Errors
    /// Errors of the header, [`ContainerError::OverLimit`], [`ContainerError::UnsupportedSection`]
    /// and [`ContainerError::Io`].
    pub fn read(source: &dyn Source, limits: &Limits) -> Result<Self, ContainerError> {
        let (header, position) = parse_header(&source.read_at(0, MAX_HEADER)?, limits)?;
        let end = position as u64;
        let mut head = Self { header, metadata: Metadata::default(), tiles: Vec::new(), end, problem: None };
        let result = match head.read_metadata(source, limits) {
            Ok(()) if header.tiling.is_some() => head.read_index(source),
            Ok(()) => head.scan(source),
            Err(error) => Err(error),
        };
        match result {
            Err(
                error @ (ContainerError::OverLimit { .. }
                | ContainerError::UnsupportedSection(_)
                | ContainerError::Io { .. }),
            ) => return Err(error),
            Err(error) => head.note(error),
            Ok(()) => {}
        }
        Ok(head)
    }

    /// The first problem with metadata, index or the order of sections, as an error.
    ///
    /// # Errors
    /// Damage and missing bytes.
    pub fn check(&self) -> Result<(), ContainerError> {
        self.problem.clone().map_or(Ok(()), Err)
    }

    /// Checks that the file ends with its last section.
    ///
    /// # Errors
    /// Missing bytes, and bytes behind the last section.
    pub fn check_end(&self, source: &dyn Source) -> Result<(), ContainerError> {
        let length = source.length();
        if length > self.end {
            return Err(ContainerError::Damaged { section: Section::Next });
        }
        if length < self.end {
            return Err(ContainerError::CutShort { section: self.section_at(length) });
        }
        Ok(())
    }

    /// Checks every section of every tile.
    ///
    /// # Errors
    /// The first section that is damaged or cut short.
    pub fn verify(&self, source: &dyn Source) -> Result<(), ContainerError> {
        for (number, entry) in (0..).zip(&self.tiles) {
            if entry.alpha.is_some() {
                self.section(source, number, Part::Alpha)?;
            }
            for &part in entry.colour_parts() {
                self.section(source, number, part)?;
            }
        }
        Ok(())
    }

    /// Where the sections of a tile lie. Nothing is known of a tile whose index is lost.
    #[must_use]
    pub fn tile(&self, number: u32) -> TileEntry {
        self.tiles.get(number as usize).copied().unwrap_or_default()
    }

    /// The tiles that are known, in rows from the top: all of them in a whole file.
    #[must_use]
    pub fn tiles(&self) -> &[TileEntry] {
        &self.tiles
    }

    /// Reads a section of a tile and checks it. Returns its payload.
    ///
    /// # Errors
    /// A section that is damaged or cut short, or is not in the file.
    pub fn section<'a>(
        &self,
        source: &'a dyn Source,
        number: u32,
        part: Part,
    ) -> Result<Cow<'a, [u8]>, ContainerError> {
        let section = self.name(number, part);
        match self.tile(number).span(part) {
            Some(span) => payload_at(source, part.kind(), span, section),
            None => Err(self.problem.clone().unwrap_or(ContainerError::CutShort { section })),
        }
    }

    /// The section of a tile, for errors.
    #[must_use]
    pub fn name(&self, number: u32, part: Part) -> Section {
        Section::Tile { tile: self.header.tiling.map(|_| number), part }
    }

    /// The section that holds a position.
    fn section_at(&self, position: u64) -> Section {
        let parts =
            |entry: &TileEntry| entry.alpha.map(|_| Part::Alpha).into_iter().chain(entry.colour_parts().to_vec());
        let all = (0u32..).zip(&self.tiles).flat_map(|(number, entry)| parts(entry).map(move |part| (number, part)));
        let holds = |span: Span| (span.position..span.end()).contains(&position);
        let mut found = all.filter(|&(number, part)| self.tile(number).span(part).is_some_and(holds));
        found.next().map_or(Section::Next, |(number, part)| self.name(number, part))
    }

    fn note(&mut self, problem: ContainerError) {
        self.problem.get_or_insert(problem);
    }

    /// Reads all sections before the first that is not ancillary.
    fn read_metadata(&mut self, source: &dyn Source, limits: &Limits) -> Result<(), ContainerError> {
        let mut total = 0u64;
        while let Some((kind, span)) = frame_at(source, self.end)? {
            if kind & kind::ANCILLARY == 0 {
                return Ok(());
            }
            let section = Section::from_kind(kind);
            if span.end() > source.length() {
                return Err(ContainerError::CutShort { section });
            }
            if !matches!(section, Section::Unknown(_)) {
                total += u64::from(span.length);
                Limits::check("size of the metadata in bytes", total, limits.max_metadata_bytes)?;
            }
            match payload_at(source, kind, span, section) {
                Ok(payload) => {
                    if !store(&mut self.metadata, section, payload) {
                        self.note(ContainerError::Damaged { section });
                    }
                }
                // The next section follows all the same.
                Err(error @ ContainerError::Damaged { .. }) => self.note(error),
                Err(error) => return Err(error),
            }
            self.end = span.end();
        }
        Err(ContainerError::CutShort { section: Section::Next })
    }

    fn read_index(&mut self, source: &dyn Source) -> Result<(), ContainerError> {
        let Some((kind, span)) = frame_at(source, self.end)? else {
            return Err(ContainerError::CutShort { section: Section::Index });
        };
        if kind != kind::INDEX {
            self.unexpected(source, kind, span)?;
            self.note(ContainerError::Damaged { section: Section::Index });
            return self.scan(source);
        }
        let section = Section::Index;
        let alpha = self.header.pixel_format.has_alpha();
        let tiles = payload_at(source, kind, span, section)
            .and_then(|payload| index::read(&payload, self.header.tiles().count(), alpha).map_err(|e| e.of(section)));
        self.end = span.end();
        match tiles {
            Ok(tiles) => {
                self.tiles = tiles;
                self.end = index::place(&mut self.tiles, alpha, self.end);
                Ok(())
            }
            Err(error @ ContainerError::Io { .. }) => Err(error),
            Err(error) => {
                self.note(error);
                self.scan(source)
            }
        }
    }

    /// Finds the sections of all tiles one after another, without an index.
    fn scan(&mut self, source: &dyn Source) -> Result<(), ContainerError> {
        let count = self.header.tiles().count();
        let alpha = self.header.pixel_format.has_alpha();
        for pass in usize::from(!alpha)..=super::LATENT_LEVELS {
            for number in 0..count {
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                let entry = self.tile(number);
                if pass > 1 && entry.lossless {
                    continue;
                }
                let part = if pass == 0 { Part::Alpha } else { Part::Latent(pass as u8) };
                let Some((kind, span)) = frame_at(source, self.end)? else {
                    let whole = if pass == 0 || number > 0 { self.name(number, part) } else { Section::Next };
                    return Err(ContainerError::CutShort { section: whole });
                };
                let lossless = pass == 1 && kind == kind::LOSSLESS;
                if kind != part.kind() && !lossless {
                    self.unexpected(source, kind, span)?;
                    return Err(ContainerError::Damaged { section: Section::from_kind(kind) });
                }
                if span.end() > source.length() {
                    let part = if lossless { Part::Lossless } else { part };
                    return Err(ContainerError::CutShort { section: self.name(number, part) });
                }
                if number as usize == self.tiles.len() {
                    self.tiles.push(TileEntry::default());
                }
                let Some(entry) = self.tiles.get_mut(number as usize) else {
                    return Err(ContainerError::Damaged { section: self.name(number, part) });
                };
                entry.lossless |= lossless;
                let place = if pass == 0 { &mut entry.alpha } else { &mut entry.colour[pass - 1] };
                *place = Some(span);
                self.end = span.end();
            }
        }
        Ok(())
    }

    /// Refuses a whole section of an unknown kind that a reader must know.
    fn unexpected(&self, source: &dyn Source, kind: u8, span: Span) -> Result<(), ContainerError> {
        let section = Section::from_kind(kind);
        payload_at(source, kind, span, section)?;
        match section {
            Section::Unknown(kind) if kind & kind::ANCILLARY == 0 => Err(ContainerError::UnsupportedSection(kind)),
            _ => Ok(()),
        }
    }
}

/// Stores metadata. Returns whether it is valid and the first of its kind.
fn store(metadata: &mut Metadata, section: Section, payload: Cow<'_, [u8]>) -> bool {
    fn put<T>(place: &mut Option<T>, value: Option<T>) -> bool {
        let fits = place.is_none() && value.is_some();
        if fits {
            *place = value;
        }
        fits
    }
    match section {
        Section::Icc => put(&mut metadata.icc, Some(payload.into_owned())),
        Section::Exif => put(&mut metadata.exif, Some(payload.into_owned())),
        Section::Xmp => put(&mut metadata.xmp, Some(payload.into_owned())),
        Section::Cicp => put(&mut metadata.cicp, Cicp::from_bytes(&payload)),
        Section::Resolution => put(&mut metadata.resolution, Resolution::from_bytes(&payload)),
        _ => true,
    }
}

impl ReadError {
    /// The error, as one of a section.
    pub(super) fn of(self, section: Section) -> ContainerError {
        match self {
            Self::End => ContainerError::CutShort { section },
            Self::Malformed => ContainerError::Damaged { section },
        }
    }
}

//! The index: how long the sections of each tile are, and so where they lie.

use super::bytes::{ReadError, Reader, put_varint};
use super::{ContainerError, LATENT_LEVELS, Part, Span};

/// Where the sections of a tile lie. In a file that is cut short or damaged, some may be unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TileEntry {
    /// Whether the colour is stored without loss, as the only one of `colour`.
    pub lossless: bool,
    /// The alpha channel; `None` if the pixel format has none.
    pub alpha: Option<Span>,
    /// The latents z1 to z4, or the lossless colour.
    pub colour: [Option<Span>; LATENT_LEVELS],
}

impl TileEntry {
    /// The sections of the tile that make its colour.
    #[must_use]
    pub fn colour_parts(&self) -> &'static [Part] {
        const LATENTS: [Part; LATENT_LEVELS] = [Part::Latent(1), Part::Latent(2), Part::Latent(3), Part::Latent(4)];
        if self.lossless { &[Part::Lossless] } else { &LATENTS }
    }

    /// Where a section of the tile lies.
    #[must_use]
    pub fn span(&self, part: Part) -> Option<Span> {
        match part {
            Part::Alpha => self.alpha,
            Part::Lossless => self.colour[0].filter(|_| self.lossless),
            Part::Latent(level) => {
                self.colour.get(usize::from(level).wrapping_sub(1)).copied().flatten().filter(|_| !self.lossless)
            }
        }
    }

    /// Bytes of the payloads of all sections.
    #[must_use]
    pub fn payload_bytes(&self) -> u64 {
        self.alpha.iter().chain(self.colour.iter().flatten()).map(|span| u64::from(span.length)).sum()
    }
}

/// The order in which the sections of all tiles follow each other: alpha, then z1 or the lossless
/// colour, then z2, z3 and z4, each of all tiles. Calls `visit` with the number of the tile, its
/// entry and the pass: 0 for alpha, 1 to 4 for colour.
pub(super) fn in_file_order<E>(
    tiles: &mut [TileEntry],
    alpha: bool,
    mut visit: impl FnMut(usize, &mut TileEntry, usize) -> Result<(), E>,
) -> Result<(), E> {
    for pass in usize::from(!alpha)..=LATENT_LEVELS {
        for (number, tile) in tiles.iter_mut().enumerate() {
            if pass < 2 || !tile.lossless {
                visit(number, tile, pass)?;
            }
        }
    }
    Ok(())
}

/// Gives the sections their positions, the first at `position`. Returns the position behind the
/// last.
pub(super) fn place(tiles: &mut [TileEntry], alpha: bool, mut position: u64) -> u64 {
    let placed: Result<(), std::convert::Infallible> = in_file_order(tiles, alpha, |_, tile, pass| {
        let span = if pass == 0 { &mut tile.alpha } else { &mut tile.colour[pass - 1] };
        if let Some(span) = span {
            span.position = position;
            position = span.end();
        }
        Ok(())
    });
    let Ok(()) = placed;
    position
}

/// The payload of the index.
pub(super) fn write(tiles: &[TileEntry]) -> Result<Vec<u8>, ContainerError> {
    let mut out = Vec::with_capacity(8 * tiles.len());
    for tile in tiles {
        if let Some(alpha) = tile.alpha {
            put_varint(&mut out, alpha.length);
        }
        let mut parts = tile.colour.iter().flatten();
        let first = parts.next().map_or(0, |span| span.length);
        if first >= 1 << 31 {
            return Err(ContainerError::BadParameter("a section of a tile must be shorter than 2 GiB"));
        }
        put_varint(&mut out, first << 1 | u32::from(tile.lossless));
        parts.for_each(|span| put_varint(&mut out, span.length));
    }
    Ok(out)
}

/// Reads what [`write`] writes; positions are still 0. `count` tiles, of which each has at least
/// one byte, so that no more memory is allocated than the payload is long.
pub(super) fn read(payload: &[u8], count: u64, alpha: bool) -> Result<Vec<TileEntry>, ReadError> {
    let count = usize::try_from(count).ok().filter(|&count| count <= payload.len()).ok_or(ReadError::Malformed)?;
    let mut reader = Reader::new(payload, 0);
    let mut tiles = Vec::with_capacity(count);
    let span = |length| Some(Span { position: 0, length });
    for _ in 0..count {
        let alpha = if alpha { span(reader.varint()?) } else { None };
        let first = reader.varint()?;
        let lossless = first & 1 == 1;
        let mut colour = [span(first >> 1), None, None, None];
        if !lossless {
            for part in &mut colour[1..] {
                *part = span(reader.varint()?);
            }
        }
        tiles.push(TileEntry { lossless, alpha, colour });
    }
    if reader.at_end() { Ok(tiles) } else { Err(ReadError::Malformed) }
}

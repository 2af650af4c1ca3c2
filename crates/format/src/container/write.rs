//! Writing of files.

use super::part::kind;
use super::section::put_section;
use super::{ContainerError, File, Header, Metadata, Part, Span, TileColour, TileEntry, index};

/// Writes a file: header, metadata, index, tiles.
///
/// # Errors
/// [`ContainerError::BadParameter`] for a side of zero, a λ that is not finite and positive, a
/// tiling or tiles that do not fit the header, or a section that is too long.
pub fn write(file: &File) -> Result<Vec<u8>, ContainerError> {
    let entries: Vec<TileEntry> = file.tiles.iter().map(entry).collect();
    let mut out = write_head(&file.header, &file.metadata, &entries)?;
    for pass in 0..=super::LATENT_LEVELS {
        for tile in &file.tiles {
            let (part, payload) = match (pass, &tile.colour) {
                (0, _) => (Part::Alpha, tile.alpha.as_ref()),
                (1, TileColour::Lossless(payload)) => (Part::Lossless, Some(payload)),
                (_, TileColour::Lossless(_)) => (Part::Lossless, None),
                (level, TileColour::Latents(latents)) => (Part::Latent(level as u8), Some(&latents[level - 1])),
            };
            if let Some(payload) = payload {
                put_section(&mut out, part.kind(), payload)?;
            }
        }
    }
    Ok(out)
}

/// The bytes of a file before the sections of its tiles. Only the lengths of `tiles` count, not
/// their positions. The sections themselves, by [`tile_section`], must follow in the order of
/// [`file_order`].
///
/// # Errors
/// See [`write()`].
pub fn write_head(header: &Header, metadata: &Metadata, tiles: &[TileEntry]) -> Result<Vec<u8>, ContainerError> {
    let alpha = header.pixel_format.has_alpha();
    let fits = |tile: &TileEntry| {
        let count = tile.colour_parts().len();
        tile.alpha.is_some() == alpha
            && tile.colour.iter().take_while(|part| part.is_some()).count() == count
            && tile.colour.iter().flatten().count() == count
    };
    if tiles.len() as u64 != header.tiles().count() || !tiles.iter().all(fits) {
        return Err(ContainerError::BadParameter("the tiles are not those of the header"));
    }
    let mut out = Vec::new();
    header.write(&mut out)?;
    let Metadata { icc, exif, xmp, cicp, resolution } = metadata;
    for (kind, payload) in [(kind::ICC, icc), (kind::EXIF, exif), (kind::XMP, xmp)] {
        if let Some(payload) = payload {
            put_section(&mut out, kind, payload)?;
        }
    }
    if let Some(cicp) = cicp {
        put_section(&mut out, kind::CICP, &cicp.to_bytes())?;
    }
    if let Some(resolution) = resolution {
        if resolution.x == 0 || resolution.y == 0 {
            return Err(ContainerError::BadParameter("a resolution must be at least 1"));
        }
        put_section(&mut out, kind::RESOLUTION, &resolution.to_bytes())?;
    }
    if header.tiling.is_some() {
        put_section(&mut out, kind::INDEX, &index::write(tiles)?)?;
    }
    Ok(out)
}

/// A whole section of a tile: kind, length, payload, checksum.
///
/// # Errors
/// A payload of 4 GiB or more.
pub fn tile_section(part: Part, payload: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let mut out = Vec::with_capacity(payload.len() + 10);
    put_section(&mut out, part.kind(), payload)?;
    Ok(out)
}

/// The order in which the sections of tiles follow each other in a file, as numbers of tiles with
/// the span that each section has in `tiles`.
#[must_use]
pub fn file_order(tiles: &[TileEntry]) -> Vec<(u32, Span)> {
    let mut order = Vec::new();
    let visited: Result<(), std::convert::Infallible> =
        index::in_file_order(&mut tiles.to_vec(), true, |number, tile, pass| {
            let span = if pass == 0 { tile.alpha } else { tile.colour[pass - 1] };
            order.extend(span.map(|span| (number as u32, span)));
            Ok(())
        });
    let Ok(()) = visited;
    order
}

fn entry(tile: &super::Tile) -> TileEntry {
    // A payload that is too long is refused when it is written.
    let span = |payload: &Vec<u8>| Some(Span { position: 0, length: u32::try_from(payload.len()).unwrap_or(u32::MAX) });
    let (lossless, colour) = match &tile.colour {
        TileColour::Lossless(payload) => (true, [span(payload), None, None, None]),
        TileColour::Latents(latents) => (false, latents.each_ref().map(span)),
    };
    TileEntry { lossless, alpha: tile.alpha.as_ref().and_then(span), colour }
}

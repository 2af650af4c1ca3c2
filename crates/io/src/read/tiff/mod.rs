//! TIFF, read by the library `tiff` strip by strip and tile by tile.
//!
//! The library's own reading of whole images panics at tiles of separate planes, and does not take
//! palettes and samples of fewer than 8 bits apart.

mod chunks;
mod colour;
mod common;
mod fax;
mod patch;
#[cfg(test)]
mod tests;
mod wide;

use std::io::Cursor;

use heirloom_codec::image::{Image, Metadata};
use tiff::{
    decoder::{Decoder, Limits},
    tags::{CompressionMethod, Tag},
};

use self::chunks::Layout;
use self::common::{FileDecoder, Photometric, refusal};
use super::reading::{Reading, image};
use crate::exif::{self, Tiff};
use crate::{ReadError, profile};

/// XMP, which the library has no name for.
const XMP: Tag = Tag::Unknown(700);

/// Reads a page of a TIFF file; reduced-resolution copies, such as thumbnails, are no pages.
pub(super) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Result<Image, ReadError> {
    let pages = pages(&mut open(bytes, 0, reading)?, reading);
    let page = pages[reading.frame(pages.len() as u32, "pages")? as usize];
    let mut decoder = open(bytes, page, reading)?;

    let photometric = decoder.find_tag_unsigned::<u16>(Tag::PhotometricInterpretation).map_err(refusal)?;
    let photometric = Photometric::new(photometric.unwrap_or(1))?;
    let layout = Layout::new(&mut decoder, reading)?;
    let patched = patch::patched(bytes, &mut decoder, photometric, layout.samples as u16, layout.bits.into())?;
    let stored = match &patched {
        Some(patched) => layout.read(&mut open(patched, page, reading)?, patched, reading)?,
        None => layout.read(&mut decoder, bytes, reading)?,
    };
    let compression = decoder.find_tag_unsigned::<u16>(Tag::Compression).map_err(refusal)?.unwrap_or(1);
    let stored = colour::Stored {
        samples: stored,
        photometric,
        bits: layout.bits,
        per_pixel: layout.samples,
        extra: decoder.find_tag_unsigned_vec(Tag::ExtraSamples).map_err(refusal)?.unwrap_or_default(),
        map: decoder.find_tag_unsigned_vec(Tag::ColorMap).map_err(refusal)?.unwrap_or_default(),
        is_jpeg: compression == CompressionMethod::ModernJPEG.to_u16(),
    };
    let mut blob = |tag| decoder.find_tag(tag).ok().flatten().and_then(|value| value.into_u8_vec().ok());
    let (icc, xmp) = (blob(Tag::IccProfile), blob(XMP));
    let mut metadata = Metadata { icc, xmp, exif: exif_of(bytes, page), ..Metadata::default() };
    let colours = stored.converted(reading, &mut metadata)?;
    if let Some(icc) = &metadata.icc
        && !profile::fits(icc, colours.channels)
    {
        reading.note("its ICC profile, which is for other colours, was left out");
        metadata.icc = None;
    }
    image((layout.width, layout.height), colours.channels, colours.alpha, colours.samples, metadata)
}

fn open<'a>(bytes: &'a [u8], page: usize, reading: &Reading<'_>) -> Result<FileDecoder<'a>, ReadError> {
    let limit = usize::try_from(reading.options.max_bytes).unwrap_or(usize::MAX);
    let mut limits = Limits::default();
    limits.decoding_buffer_size = limit;
    limits.intermediate_buffer_size = limit;
    limits.ifd_value_size = limit.min(bytes.len());
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(refusal)?.with_limits(limits);
    if page > 0 {
        decoder.seek_to_image(page).map_err(refusal)?;
    }
    Ok(decoder)
}

/// Positions of the pages among all images of the file; at least one.
fn pages(decoder: &mut FileDecoder<'_>, reading: &mut Reading<'_>) -> Vec<usize> {
    /// Most images of a file that are looked at.
    const MAX_IMAGES: usize = 10_000;
    let mut pages = Vec::new();
    for number in 0..MAX_IMAGES {
        // Bit 0 marks a reduced-resolution copy of another image in the file, bit 2 a mask.
        let kind = decoder.find_tag_unsigned::<u32>(Tag::NewSubfileType).ok().flatten().unwrap_or(0);
        if kind & 0b101 == 0 || number == 0 {
            pages.push(number);
        }
        if !decoder.more_images() {
            break;
        }
        if decoder.next_image().is_err() {
            reading.note("one of its further pages cannot be read");
            break;
        }
    }
    pages
}

/// Exif of the tags of a TIFF file that are about the image and not about how it is stored. Only
/// those of the first page of a classic TIFF file are looked for.
fn exif_of(bytes: &[u8], page: usize) -> Option<Vec<u8>> {
    /// Description, maker, model, orientation, resolution and its unit, software, date, artist,
    /// copyright.
    const KEPT: [u16; 11] =
        [270, 271, 272, exif::ORIENTATION, exif::X_RESOLUTION, exif::Y_RESOLUTION, 296, 305, 306, 315, 33432];
    if page > 0 {
        return None;
    }
    let exif = Tiff::new(bytes)?.to_exif(|tag| KEPT.contains(&tag))?;
    // An upright image of unknown resolution says nothing that no Exif would not say.
    let says_nothing = Tiff::new(&exif)?.entries().iter().all(exif::Entry::says_nothing);
    (!says_nothing).then_some(exif)
}

//! TIFF: lossless, compressed by Deflate, with the ICC profile, XMP, and what of Exif TIFF itself
//! has tags for.

use std::borrow::Cow;
use std::io::Cursor;

use heirloom_codec::image::{Image, Samples};
use tiff::TiffError;
use tiff::encoder::colortype::{ColorType, Gray8, Gray16, RGB8, RGB16};
use tiff::encoder::{Compression, DeflateLevel, Rational, TiffEncoder, TiffValue};
use tiff::tags::{ExtraSamples, Predictor, ResolutionUnit, Tag};

use super::{Lost, Written};
use crate::exif::{self, Tiff};
use crate::{WriteError, profile};

/// XMP, which the library has no name for.
const XMP: Tag = Tag::Unknown(700);
/// Texts that TIFF and Exif have in common: description, maker, model, software, date, artist,
/// copyright.
const TEXTS: [u16; 7] = [270, 271, 272, 305, 306, 315, 33432];
/// Tags of the first directory of Exif that are written.
const WRITTEN: [u16; 4] = [exif::ORIENTATION, exif::X_RESOLUTION, exif::Y_RESOLUTION, exif::RESOLUTION_UNIT];

pub(super) fn write(image: &Image) -> Result<Written, WriteError> {
    let mut lost = Lost::default();
    let written = match (image.samples(), image.format().is_grey()) {
        (Samples::U8(samples), true) => encoded::<Gray8>(image, samples, &mut lost),
        (Samples::U8(samples), false) => encoded::<RGB8>(image, samples, &mut lost),
        (Samples::U16(samples), true) => encoded::<Gray16>(image, samples, &mut lost),
        (Samples::U16(samples), false) => encoded::<RGB16>(image, samples, &mut lost),
    };
    let bytes =
        written.map_err(|e| WriteError::Encoder(format!("cannot be written as TIFF: {e}; write PNG instead")))?;
    Ok(lost.with(bytes))
}

fn encoded<C: ColorType>(image: &Image, samples: &[C::Inner], lost: &mut Lost) -> Result<Vec<u8>, TiffError>
where
    [C::Inner]: TiffValue,
{
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes)?.with_compression(Compression::Deflate(DeflateLevel::Balanced));
    if !image.format().has_alpha() {
        encoder = encoder.with_predictor(Predictor::Horizontal);
    }
    let mut page = encoder.new_image::<C>(image.width(), image.height())?;
    if image.format().has_alpha() {
        page.extra_samples(&[ExtraSamples::UnassociatedAlpha])?;
    }
    let metadata = &image.metadata;
    let of_exif = metadata.exif.as_deref().and_then(exif::pixels_per_inch);
    let per_inch = of_exif.or_else(|| {
        let resolution = metadata.resolution.filter(|resolution| resolution.per_metre)?;
        Some((f64::from(resolution.x) * 0.0254, f64::from(resolution.y) * 0.0254))
    });
    if let Some((x, y)) = per_inch {
        page.resolution_unit(ResolutionUnit::Inch);
        page.x_resolution(rational(x));
        page.y_resolution(rational(y));
    }
    if let Some(exif) = metadata.exif.as_deref() {
        if let Some(turn) = exif::orientation(exif) {
            page.encoder().write_tag(Tag::Orientation, turn)?;
        }
        let entries = Tiff::new(exif).map(|tiff| tiff.entries()).unwrap_or_default();
        for entry in &entries {
            if let Some(text) = entry.text().filter(|_| TEXTS.contains(&entry.tag)) {
                page.encoder().write_tag(Tag::from_u16_exhaustive(entry.tag), text)?;
            } else if !WRITTEN.contains(&entry.tag) && lost.0.is_empty() {
                lost.add("of its Exif, what TIFF has no tag for was left out");
            }
        }
    }
    for (tag, blob) in [(Tag::IccProfile, profile::icc(metadata)), (XMP, metadata.xmp.as_deref().map(Cow::Borrowed))] {
        if let Some(blob) = blob {
            page.encoder().write_tag(tag, &*blob)?;
        }
    }
    page.write_data(samples)?;
    Ok(bytes.into_inner())
}

/// Hundredths, which resolutions are seldom finer than.
fn rational(value: f64) -> Rational {
    Rational { n: (value * 100.0).round().clamp(1.0, f64::from(u32::MAX)) as u32, d: 100 }
}

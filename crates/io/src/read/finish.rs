//! What is done to every image after it was read, whatever its format.

use heirloom_codec::image::{Image, Metadata, Samples};

use super::options::{Alpha, Depth, ReadOptions, Strip};
use super::reading::{Reading, image};
use crate::exif;
use crate::metadata::EXIF_PREFIX;
use crate::orientation::upright;
use crate::{ReadError, ReadImage};

/// Applies the options to an image as it was stored.
pub(super) fn finish(mut stored: Image, reading: Reading<'_>) -> Result<ReadImage, ReadError> {
    let options = reading.options;
    let metadata = finished_metadata(std::mem::take(&mut stored.metadata), options);
    let mut image = if stored.is_opaque() { stored.split_alpha().0 } else { with_alpha(stored, options.alpha)? };
    if options.depth == Depth::Reduce {
        image = reduced(image)?;
    }
    image.metadata = metadata;
    if options.upright {
        image = upright(image);
    }
    Ok(ReadImage { image, notes: refused_if_strict(reading)? })
}

/// The metadata that is kept of that which is stored.
pub(crate) fn finished_metadata(stored: Metadata, options: &ReadOptions) -> Metadata {
    stripped(clean(stored), options.strip)
}

/// The notes on what is not kept.
///
/// # Errors
/// Any note, if reading is strict.
pub(crate) fn refused_if_strict(reading: Reading<'_>) -> Result<Vec<String>, ReadError> {
    let is_strict = reading.options.strict;
    let notes = reading.into_notes();
    if is_strict && !notes.is_empty() {
        return Err(ReadError::Unsupported(format!("would not be kept whole: {}", notes.join("; "))));
    }
    Ok(notes)
}

/// Metadata without empty blobs and without the prefix that some formats put before Exif.
fn clean(metadata: Metadata) -> Metadata {
    let kept = |blob: Option<Vec<u8>>| blob.filter(|blob| !blob.is_empty());
    let bare = |blob: Vec<u8>| blob.strip_prefix(EXIF_PREFIX).map(<[u8]>::to_vec).unwrap_or(blob);
    Metadata { icc: kept(metadata.icc), exif: kept(metadata.exif.map(bare)), xmp: kept(metadata.xmp), ..metadata }
}

fn with_alpha(image: Image, alpha: Alpha) -> Result<Image, ReadError> {
    Ok(match alpha {
        Alpha::Keep => image,
        Alpha::Drop => image.split_alpha().0,
        Alpha::Flatten(background) => {
            let is_grey = background[0] == background[1] && background[1] == background[2];
            if is_grey { image } else { coloured(image)? }.flattened(background)
        }
    })
}

/// The image as RGB, for a background that is not grey.
fn coloured(grey: Image) -> Result<Image, ReadError> {
    if !grey.format().is_grey() {
        return Ok(grey);
    }
    let alpha = grey.format().has_alpha();
    fn tripled<T: Copy>(data: &[T], channels: usize) -> Vec<T> {
        let pixels = data.chunks_exact(channels);
        pixels.flat_map(|pixel| [pixel[0]; 3].into_iter().chain(pixel[1..].iter().copied())).collect()
    }
    let samples = match grey.samples() {
        Samples::U8(data) => tripled(data, grey.format().channels()).into(),
        Samples::U16(data) => tripled(data, grey.format().channels()).into(),
    };
    image((grey.width(), grey.height()), 3, alpha, samples, grey.metadata)
}

fn reduced(deep: Image) -> Result<Image, ReadError> {
    if deep.format().bits() == 8 {
        return Ok(deep);
    }
    let (format, size) = (deep.format(), (deep.width(), deep.height()));
    let samples = Samples::U8(deep.samples().to_u8().into_owned());
    image(size, format.colour_channels(), format.has_alpha(), samples, deep.metadata)
}

fn stripped(metadata: Metadata, strip: Strip) -> Metadata {
    match strip {
        Strip::Nothing => metadata,
        Strip::All => Metadata::default(),
        Strip::Safe => {
            let turn = metadata.exif.as_deref().and_then(exif::orientation).filter(|turn| *turn != 1);
            let exif = turn.map(|turn| exif::built(&[exif::short(exif::ORIENTATION, turn)]));
            Metadata { exif, xmp: None, ..metadata }
        }
    }
}

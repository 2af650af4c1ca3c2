//! PNG, read by the library `png`.

use std::io::Cursor;

use heirloom_codec::image::{Image, Metadata};
use png::{ColorType, Decoder, DecodingError, Limits, Transformations};

use super::frame::{Frame, MAX_BYTES};
use super::options::ReadOptions;
use super::refusals::{animation, damaged, from_memory, too_large};
use crate::ReadError;
use crate::metadata::PNG_XMP;

/// Reads a PNG file to its end, because metadata may follow the pixels. Palettes and samples of
/// fewer than 8 bits are expanded.
pub(super) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Image, ReadError> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_BYTES });
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(refusal)?;
    if reader.info().animation_control.is_some() {
        return Err(animation());
    }
    let (color, depth) = reader.output_color_type();
    let grey = matches!(color, ColorType::Grayscale | ColorType::GrayscaleAlpha);
    let alpha = matches!(color, ColorType::GrayscaleAlpha | ColorType::Rgba);
    let frame = Frame::new(reader.info().size(), grey, alpha, depth as u8, options)?;
    let mut samples = frame.buffer()?;
    reader.next_frame(&mut samples).map_err(refusal)?;
    reader.finish().map_err(refusal)?;
    let info = reader.info();
    let mut xmp = None;
    if let Some(mut chunk) = info.utf8_text.iter().find(|chunk| chunk.keyword == PNG_XMP).cloned() {
        // Limited to 2 MiB by the library; `get_text` on its own is not limited.
        chunk.decompress_text().map_err(refusal)?;
        xmp = Some(chunk.get_text().map_err(refusal)?.into_bytes());
    }
    let kept = |blob: &Option<std::borrow::Cow<'_, [u8]>>| blob.as_deref().map(<[u8]>::to_vec);
    let metadata =
        Metadata { icc: kept(&info.icc_profile), exif: kept(&info.exif_metadata), xmp, ..Metadata::default() };
    frame.image(samples, metadata)
}

fn refusal(error: DecodingError) -> ReadError {
    match error {
        DecodingError::IoError(error) => from_memory(&error),
        DecodingError::LimitsExceeded => too_large(),
        error => damaged(&error.to_string()),
    }
}

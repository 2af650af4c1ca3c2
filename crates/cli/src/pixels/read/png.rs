//! PNG, by the library `png`.

use std::io::Cursor;

use heirloom_codec::image::{Image, Metadata};
use png::{ColorType, Decoder, DecodingError, Limits, Transformations};

use super::{Frame, MOST_MEMORY, animation, ended};
use crate::{failure::Failure, pixels::PNG_XMP};

/// Reads a PNG file to its end, as profiles and comments may follow the pixels. Palettes and fewer than 8 bits are spread out.
pub fn read(bytes: &[u8]) -> Result<Image, Failure> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MOST_MEMORY });
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(refusal)?;
    if reader.info().animation_control.is_some() {
        return Err(animation());
    }
    let (color, depth) = reader.output_color_type();
    let grey = matches!(color, ColorType::Grayscale | ColorType::GrayscaleAlpha);
    let alpha = matches!(color, ColorType::GrayscaleAlpha | ColorType::Rgba);
    let frame = Frame::new(reader.info().size(), grey, alpha, depth as u8)?;
    let mut samples = frame.room()?;
    reader.next_frame(&mut samples).map_err(refusal)?;
    reader.finish().map_err(refusal)?;
    let info = reader.info();
    let mut xmp = None;
    if let Some(mut chunk) = info.utf8_text.iter().find(|chunk| chunk.keyword == PNG_XMP).cloned() {
        // Within the library's limit of 2 MiB, while `get_text` alone has none.
        chunk.decompress_text().map_err(refusal)?;
        xmp = Some(chunk.get_text().map_err(refusal)?.into_bytes());
    }
    let kept = |blob: &Option<std::borrow::Cow<'_, [u8]>>| blob.as_deref().map(<[u8]>::to_vec);
    let metadata = Metadata { icc: kept(&info.icc_profile), exif: kept(&info.exif_metadata), xmp };
    frame.image(samples, metadata)
}

fn refusal(error: DecodingError) -> Failure {
    match error {
        DecodingError::IoError(error) => ended(&error),
        DecodingError::LimitsExceeded => Failure::unsupported("is too large to read"),
        error => Failure::damaged(error.to_string()),
    }
}

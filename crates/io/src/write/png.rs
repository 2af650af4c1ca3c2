//! PNG: lossless, with all metadata.

use std::borrow::Cow;

use heirloom_codec::image::Image;
use png::chunk::ChunkType;
use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Info, PixelDimensions, Unit};

use super::{Lost, Written, big_endian};
use crate::WriteError;
use crate::metadata::PNG_XMP;

pub(super) fn write(image: &Image) -> Result<Written, WriteError> {
    let failed = |e: EncodingError| WriteError::Encoder(format!("cannot be written as PNG: {e}"));
    let metadata = &image.metadata;
    let mut info = Info::with_size(image.width(), image.height());
    info.color_type = match (image.format().is_grey(), image.format().has_alpha()) {
        (true, false) => ColorType::Grayscale,
        (true, true) => ColorType::GrayscaleAlpha,
        (false, false) => ColorType::Rgb,
        (false, true) => ColorType::Rgba,
    };
    info.bit_depth = if image.format().bits() == 8 { BitDepth::Eight } else { BitDepth::Sixteen };
    info.icc_profile = metadata.icc.as_deref().map(Cow::Borrowed);
    info.exif_metadata = metadata.exif.as_deref().map(Cow::Borrowed);
    info.pixel_dims = metadata.resolution.map(|r| PixelDimensions {
        xppu: r.x,
        yppu: r.y,
        unit: if r.per_metre { Unit::Meter } else { Unit::Unspecified },
    });
    let mut bytes = Vec::new();
    let mut lost = Lost::default();
    let mut encoder = Encoder::with_info(&mut bytes, info).map_err(failed)?;
    // The default level takes longer than decoding the image did.
    encoder.set_compression(Compression::Fast);
    match metadata.xmp.as_deref().map(std::str::from_utf8) {
        Some(Ok(text)) => encoder.add_itxt_chunk(PNG_XMP.into(), text.into()).map_err(failed)?,
        Some(Err(_)) => lost.add("its XMP is not valid UTF-8 and was left out"),
        None => {}
    }
    let mut writer = encoder.write_header().map_err(failed)?;
    if let Some(code) = metadata.cicp {
        // PNG stores RGB only, which is matrix 0.
        let content = [code.primaries, code.transfer, 0, code.full_range.into()];
        writer.write_chunk(ChunkType(*b"cICP"), &content).map_err(failed)?;
    }
    writer.write_image_data(&big_endian(image.samples())).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(lost.with(bytes))
}

//! PNG: lossless, with all metadata.

use std::borrow::Cow;
use std::io::Write;

use heirloom_codec::image::{Image, Metadata, PixelFormat};
use png::chunk::ChunkType;
use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Info, PixelDimensions, Unit, Writer};

use super::{Lost, Written, big_endian};
use crate::WriteError;
use crate::metadata::PNG_XMP;

pub(super) fn write(image: &Image) -> Result<Written, WriteError> {
    let failed = |e: EncodingError| WriteError::Encoder(format!("cannot be written as PNG: {e}"));
    let (mut bytes, mut lost) = (Vec::new(), Lost::default());
    let size = (image.width(), image.height());
    let mut writer = begun(&mut bytes, size, image.format(), &image.metadata, &mut lost).map_err(failed)?;
    writer.write_image_data(&big_endian(image.samples())).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(lost.with(bytes))
}

/// A file of which all is written that stands before the pixels.
pub(crate) fn begun<W: Write>(
    file: W,
    (width, height): (u32, u32),
    format: PixelFormat,
    metadata: &Metadata,
    lost: &mut Lost,
) -> Result<Writer<W>, EncodingError> {
    let mut info = Info::with_size(width, height);
    info.color_type = match (format.is_grey(), format.has_alpha()) {
        (true, false) => ColorType::Grayscale,
        (true, true) => ColorType::GrayscaleAlpha,
        (false, false) => ColorType::Rgb,
        (false, true) => ColorType::Rgba,
    };
    info.bit_depth = if format.bits() == 8 { BitDepth::Eight } else { BitDepth::Sixteen };
    info.icc_profile = metadata.icc.as_deref().map(Cow::Borrowed);
    info.exif_metadata = metadata.exif.as_deref().map(Cow::Borrowed);
    info.pixel_dims = metadata.resolution.map(|r| PixelDimensions {
        xppu: r.x,
        yppu: r.y,
        unit: if r.per_metre { Unit::Meter } else { Unit::Unspecified },
    });
    let mut encoder = Encoder::with_info(file, info)?;
    // The default level takes longer than decoding the image did.
    encoder.set_compression(Compression::Fast);
    match metadata.xmp.as_deref().map(std::str::from_utf8) {
        Some(Ok(text)) => encoder.add_itxt_chunk(PNG_XMP.into(), text.into())?,
        Some(Err(_)) => lost.add("its XMP is not valid UTF-8 and was left out"),
        None => {}
    }
    let mut writer = encoder.write_header()?;
    if let Some(code) = metadata.cicp {
        // PNG stores RGB only, which is matrix 0.
        let content = [code.primaries, code.transfer, 0, code.full_range.into()];
        writer.write_chunk(ChunkType(*b"cICP"), &content)?;
    }
    Ok(writer)
}

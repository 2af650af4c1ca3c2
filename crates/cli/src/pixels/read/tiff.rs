//! TIFF, by the library `tiff`.

use std::io::Cursor;

use heirloom_codec::image::{Image, Metadata};
use tiff::{
    ColorType, TiffError,
    decoder::{Decoder, DecodingResult, Limits},
    tags::{SampleFormat, Tag},
};

use super::{Frame, MOST_MEMORY, cmyk, ended};
use crate::failure::Failure;

/// XMP, which the library has no name for.
const XMP: Tag = Tag::Unknown(700);

/// Reads a TIFF file of one image; smaller copies of it may follow, which are left out.
pub fn read(bytes: &[u8]) -> Result<Image, Failure> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MOST_MEMORY;
    limits.intermediate_buffer_size = MOST_MEMORY;
    limits.ifd_value_size = MOST_MEMORY;
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(refusal)?.with_limits(limits);
    let color = decoder.colortype().map_err(refusal)?;
    let size = decoder.dimensions().map_err(refusal)?;
    let frame = match color {
        ColorType::Gray(1) => Frame::new(size, true, false, 1)?,
        ColorType::Gray(bits @ 8..) => Frame::new(size, true, false, bits)?,
        ColorType::RGB(bits @ 8..) => Frame::new(size, false, false, bits)?,
        ColorType::GrayA(bits) | ColorType::RGBA(bits) => Frame::new(size, false, true, bits)?,
        ColorType::CMYK(_) | ColorType::CMYKA(_) => return Err(cmyk()),
        other => {
            return Err(Failure::unsupported(format!(
                "has samples of a kind that is not read ({other:?}); convert it first, for example `magick IN -type TrueColor -depth 8 OUT.png`"
            )));
        }
    };
    if decoder.find_tag_unsigned::<u16>(Tag::Orientation).map_err(refusal)?.is_some_and(|turn| turn != 1) {
        return Err(Failure::unsupported(
            "is stored turned or mirrored; convert it first, for example `magick IN -auto-orient OUT.png`",
        ));
    }
    let kinds = decoder.find_tag_unsigned_vec::<u16>(Tag::SampleFormat).map_err(refusal)?.unwrap_or_default();
    if kinds.iter().any(|kind| *kind != SampleFormat::Uint.to_u16()) {
        return Err(Failure::unsupported("has signed samples; convert it first, for example `magick IN OUT.png`"));
    }
    let mut blob = |tag| {
        let value = decoder.find_tag(tag).map_err(refusal)?;
        value.map(|value| value.into_u8_vec().map_err(refusal)).transpose()
    };
    let metadata = Metadata { icc: blob(Tag::IccProfile)?, xmp: blob(XMP)?, exif: None };

    let mut read = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut read).map_err(refusal)?;
    let DecodingResult::U8(read) = read else {
        return Err(Failure::unsupported("has samples of more than 8 bits"));
    };
    let samples = match layout.plane_stride.filter(|_| layout.planes > 1) {
        Some(stride) => interleaved(&frame, &read, stride.get())?,
        None if color == ColorType::Gray(1) => spread(&frame, &read)?,
        None => read,
    };
    while decoder.more_images() {
        decoder.next_image().map_err(refusal)?;
        // Bit 0: a smaller copy of another image of the file.
        if decoder.find_tag_unsigned::<u32>(Tag::NewSubfileType).map_err(refusal)?.unwrap_or(0) & 1 == 0 {
            return Err(Failure::unsupported(
                "holds several images; extract one first, for example `magick 'IN[0]' OUT.png`",
            ));
        }
    }
    frame.image(samples, metadata)
}

/// The samples of planes that lie one after another, `stride` bytes each.
fn interleaved(frame: &Frame, planes: &[u8], stride: usize) -> Result<Vec<u8>, Failure> {
    let channels = frame.channels();
    if planes.len() < channels * stride {
        return Err(Failure::unsupported("is too large to read"));
    }
    let mut samples = frame.room()?;
    for (channel, plane) in planes.chunks_exact(stride).take(channels).enumerate() {
        samples.iter_mut().skip(channel).step_by(channels).zip(plane).for_each(|(to, from)| *to = *from);
    }
    Ok(samples)
}

/// The samples of a bitmap whose rows begin at whole bytes.
fn spread(frame: &Frame, bits: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut samples = frame.room()?;
    let width = (frame.width as usize).max(1);
    for (to, from) in samples.chunks_exact_mut(width).zip(bits.chunks_exact(width.div_ceil(8))) {
        to.iter_mut().enumerate().for_each(|(x, to)| *to = 255 * (from[x / 8] >> (7 - x % 8) & 1));
    }
    Ok(samples)
}

fn refusal(error: TiffError) -> Failure {
    match error {
        TiffError::IoError(error) => ended(&error),
        TiffError::UnsupportedError(error) => Failure::unsupported(error.to_string()),
        TiffError::LimitsExceeded => Failure::unsupported("is too large to read"),
        error => Failure::damaged(error.to_string()),
    }
}

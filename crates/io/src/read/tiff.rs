//! TIFF, read by the library `tiff`.

use std::io::Cursor;

use heirloom_codec::image::{Image, Metadata};
use tiff::{
    ColorType, TiffError,
    decoder::{Decoder, DecodingResult, Limits},
    tags::{SampleFormat, Tag},
};

use super::frame::{Frame, MAX_BYTES, to_8_bits};
use super::options::ReadOptions;
use super::refusals::{cmyk, damaged, from_memory, too_large, unsupported};
use crate::ReadError;

/// XMP, which the library has no name for.
const XMP: Tag = Tag::Unknown(700);

/// Reads a TIFF file of one image; reduced-resolution copies of it, such as thumbnails, may follow.
pub(super) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Image, ReadError> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_BYTES;
    limits.intermediate_buffer_size = MAX_BYTES;
    limits.ifd_value_size = MAX_BYTES;
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(refusal)?.with_limits(limits);
    let color = decoder.colortype().map_err(refusal)?;
    let size = decoder.dimensions().map_err(refusal)?;
    let frame = match color {
        ColorType::Gray(1) => Frame::new(size, true, false, 1, options)?,
        ColorType::Gray(bits @ 8..) => Frame::new(size, true, false, bits, options)?,
        ColorType::RGB(bits @ 8..) => Frame::new(size, false, false, bits, options)?,
        ColorType::GrayA(bits) => Frame::new(size, true, true, bits, options)?,
        ColorType::RGBA(bits) => Frame::new(size, false, true, bits, options)?,
        ColorType::CMYK(_) | ColorType::CMYKA(_) => return Err(cmyk()),
        other => {
            return Err(ReadError::Unsupported(format!(
                "has samples of a kind that is not read ({other:?}); convert it first, for example \
                 `magick IN -type TrueColor -depth 8 OUT.png`"
            )));
        }
    };
    if decoder.find_tag_unsigned::<u16>(Tag::Orientation).map_err(refusal)?.is_some_and(|turn| turn != 1) {
        return Err(unsupported(
            "is stored rotated or mirrored; convert it first, for example `magick IN -auto-orient OUT.png`",
        ));
    }
    let kinds = decoder.find_tag_unsigned_vec::<u16>(Tag::SampleFormat).map_err(refusal)?.unwrap_or_default();
    if kinds.iter().any(|kind| *kind != SampleFormat::Uint.to_u16()) {
        return Err(unsupported(
            "has signed or floating-point samples; convert it first, for example `magick IN -depth 8 OUT.png`",
        ));
    }
    let mut blob = |tag| {
        let value = decoder.find_tag(tag).map_err(refusal)?;
        value.map(|value| value.into_u8_vec().map_err(refusal)).transpose()
    };
    let metadata = Metadata { icc: blob(Tag::IccProfile)?, xmp: blob(XMP)?, ..Metadata::default() };

    let mut stored = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut stored).map_err(refusal)?;
    let (stored, bytes_per_sample) = match stored {
        DecodingResult::U8(samples) => (samples, 1),
        DecodingResult::U16(samples) if color.bit_depth() == 16 => {
            (samples.into_iter().map(|sample| to_8_bits(sample, u16::MAX)).collect(), 2)
        }
        _ => {
            return Err(ReadError::Unsupported(format!(
                "has samples of {} bits; convert it first, for example `magick IN -depth 8 OUT.png`",
                color.bit_depth()
            )));
        }
    };
    let frame = frame.reduced();
    let samples = match layout.plane_stride.filter(|_| layout.planes > 1) {
        Some(stride) => interleaved(&frame, &stored, stride.get() / bytes_per_sample)?,
        None if color == ColorType::Gray(1) => unpacked(&frame, &stored)?,
        None => stored,
    };
    while decoder.more_images() {
        decoder.next_image().map_err(refusal)?;
        // Bit 0 marks a reduced-resolution copy of another image in the file.
        if decoder.find_tag_unsigned::<u32>(Tag::NewSubfileType).map_err(refusal)?.unwrap_or(0) & 1 == 0 {
            return Err(unsupported("holds several images; extract one first, for example `magick 'IN[0]' OUT.png`"));
        }
    }
    frame.image(samples, metadata)
}

/// The samples of planes that are stored one after another, `stride` samples each.
fn interleaved(frame: &Frame, planes: &[u8], stride: usize) -> Result<Vec<u8>, ReadError> {
    let channels = frame.channels();
    if planes.len() < channels * stride {
        return Err(too_large());
    }
    let mut samples = frame.buffer()?;
    for (channel, plane) in planes.chunks_exact(stride).take(channels).enumerate() {
        samples.iter_mut().skip(channel).step_by(channels).zip(plane).for_each(|(to, from)| *to = *from);
    }
    Ok(samples)
}

/// The samples of a bitmap, whose rows begin at whole bytes: 255 for a set bit, else 0.
fn unpacked(frame: &Frame, bits: &[u8]) -> Result<Vec<u8>, ReadError> {
    let mut samples = frame.buffer()?;
    let width = (frame.width as usize).max(1);
    for (to, from) in samples.chunks_exact_mut(width).zip(bits.chunks_exact(width.div_ceil(8))) {
        to.iter_mut().enumerate().for_each(|(x, to)| *to = 255 * (from[x / 8] >> (7 - x % 8) & 1));
    }
    Ok(samples)
}

fn refusal(error: TiffError) -> ReadError {
    match error {
        TiffError::IoError(error) => from_memory(&error),
        TiffError::UnsupportedError(error) => unsupported(&error.to_string()),
        TiffError::LimitsExceeded => too_large(),
        error => damaged(&error.to_string()),
    }
}

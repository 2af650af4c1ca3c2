//! PNG, read by the library `png`; the frames of animations are composed by `image`.

use std::borrow::Cow;
use std::io::Cursor;

use heirloom_codec::image::{Cicp, Image, Metadata, Resolution, Samples};
use image::AnimationDecoder;
use png::{ColorType, Decoder, DecodingError, Info, Limits, Transformations, Unit};

use super::reading::{Reading, from_big_endian, image};
use super::refusals::{damaged, from_memory, of_library, too_large};
use crate::ReadError;
use crate::metadata::{EXIF_PREFIX, PNG_XMP};
use crate::profile;

/// Reads a PNG file to its end, because metadata may follow the pixels. Palettes and samples of
/// fewer than 8 bits are expanded.
pub(super) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Result<Image, ReadError> {
    let limit = usize::try_from(reading.options.max_bytes).unwrap_or(usize::MAX);
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: limit });
    decoder.set_transformations(Transformations::EXPAND);
    decoder.ignore_checksums(reading.options.lenient);
    let mut reader = decoder.read_info().map_err(refusal)?;
    let (color, depth) = reader.output_color_type();
    let colours = if matches!(color, ColorType::Grayscale | ColorType::GrayscaleAlpha) { 1 } else { 3 };
    let alpha = matches!(color, ColorType::GrayscaleAlpha | ColorType::Rgba);
    let size = reader.info().size();
    let frames = reader.info().animation_control.map_or(1, |control| control.num_frames);
    let frame = reading.frame(frames, "frames")?;
    let deep = depth == png::BitDepth::Sixteen;
    let mut samples = reading.buffer(size.0, size.1, colours + usize::from(alpha), 1 + usize::from(deep))?;
    if let Err(error) = reader.next_frame(&mut samples) {
        reading.tolerate(refusal(error))?;
    } else if let Err(error) = reader.finish() {
        if frames > 1 && frame == 0 {
            reading.note("its further frames are damaged");
        } else {
            reading.tolerate(refusal(error))?;
        }
    }
    let metadata = metadata(reader.info(), colours == 1, reading);
    if frame > 0 {
        return animated(bytes, frame, metadata);
    }
    let samples = if deep { Samples::U16(from_big_endian(&samples)) } else { Samples::U8(samples) };
    image(size, colours, alpha, samples, metadata)
}

/// A later frame of an animation, with what it shows of the ones before it.
fn animated(bytes: &[u8], frame: u32, metadata: Metadata) -> Result<Image, ReadError> {
    let failed = |error: image::ImageError| of_library(&error.to_string());
    let decoder = image::codecs::png::PngDecoder::new(Cursor::new(bytes)).map_err(failed)?;
    let mut frames = decoder.apng().map_err(failed)?.into_frames();
    let frame = frames.nth(frame as usize).ok_or_else(|| damaged("has fewer frames than it says"))?;
    let pixels = image::DynamicImage::from(frame.map_err(failed)?.into_buffer());
    let mut image = Image::try_from(pixels).map_err(|error| of_library(&error.to_string()))?;
    image.metadata = metadata;
    Ok(image)
}

pub(crate) fn metadata(info: &Info<'_>, grey: bool, reading: &mut Reading<'_>) -> Metadata {
    let kept = |blob: &Option<Cow<'_, [u8]>>| blob.as_deref().map(<[u8]>::to_vec);
    let Texts { xmp, exif: raw } = Texts::of(info, reading);
    let exif = kept(&info.exif_metadata).or(raw);
    let (icc, cicp) = colour(info, grey, reading);
    Metadata { icc, exif, xmp, cicp, resolution: resolution(info) }
}

fn resolution(info: &Info<'_>) -> Option<Resolution> {
    let density = info.pixel_dims.filter(|density| density.xppu > 0 && density.yppu > 0)?;
    let per_metre = density.unit == Unit::Meter;
    (per_metre || density.xppu != density.yppu).then_some(Resolution { x: density.xppu, y: density.yppu, per_metre })
}

/// The colour space: cICP, iCCP, sRGB, gAMA with cHRM, in the order in which PNG (third edition,
/// 4.3) has them count.
fn colour(info: &Info<'_>, grey: bool, reading: &mut Reading<'_>) -> (Option<Vec<u8>>, Option<Cicp>) {
    if info.mastering_display_color_volume.is_some() || info.content_light_level.is_some() {
        reading.note("its HDR mastering data was left out");
    }
    let icc = info.icc_profile.as_deref().map(<[u8]>::to_vec);
    let cicp = info.coding_independent_code_points.map(|code| Cicp {
        primaries: code.color_primaries,
        transfer: code.transfer_function,
        matrix: code.matrix_coefficients,
        full_range: code.is_video_full_range_image,
    });
    if icc.is_some() || cicp.is_some() || info.srgb.is_some() {
        return (icc, cicp);
    }
    let gamma = info.gama_chunk.map(|gamma| f64::from(gamma.into_value()));
    let space = info.chrm_chunk.map(|c| {
        [c.white, c.red, c.green, c.blue].map(|(x, y)| (f64::from(x.into_value()), f64::from(y.into_value())))
    });
    (profile::of_gamma(gamma, space, grey), None)
}

/// Metadata in texts.
#[derive(Default)]
struct Texts {
    xmp: Option<Vec<u8>>,
    exif: Option<Vec<u8>>,
}

impl Texts {
    /// XMP, and the Exif and XMP that ImageMagick writes as hexadecimal digits; other texts are
    /// noted.
    fn of(info: &Info<'_>, reading: &mut Reading<'_>) -> Self {
        let mut texts = Self::default();
        let mut others = 0;
        for chunk in &info.utf8_text {
            let mut chunk = chunk.clone();
            // Limited to 2 MiB by the library; `get_text` on its own is not limited.
            let text = chunk.decompress_text().ok().and_then(|()| chunk.get_text().ok());
            others += usize::from(!texts.take(&chunk.keyword, text));
        }
        for chunk in &info.compressed_latin1_text {
            let mut chunk = chunk.clone();
            let text = chunk.decompress_text().ok().and_then(|()| chunk.get_text().ok());
            others += usize::from(!texts.take(&chunk.keyword, text));
        }
        for chunk in &info.uncompressed_latin1_text {
            others += usize::from(!texts.take(&chunk.keyword, Some(chunk.text.clone())));
        }
        if others > 0 {
            let s = if others == 1 { "text was" } else { "texts were" };
            reading.note(format!("its {others} {s} left out"));
        }
        texts
    }

    /// Whether a text is of a kind that is kept.
    fn take(&mut self, keyword: &str, text: Option<String>) -> bool {
        let Some(text) = text else { return false };
        match keyword {
            PNG_XMP if self.xmp.is_none() => self.xmp = Some(text.into_bytes()),
            "Raw profile type exif" | "Raw profile type APP1" | "Raw profile type xmp" => match raw_profile(&text) {
                Some(blob) if blob.starts_with(EXIF_PREFIX) && self.exif.is_none() => self.exif = Some(blob),
                Some(blob) if blob.starts_with(b"<") && self.xmp.is_none() => self.xmp = Some(blob),
                _ => return false,
            },
            _ => return false,
        }
        true
    }
}

/// The bytes of a text that ImageMagick makes of a profile: its kind, its length, and hexadecimal
/// digits.
fn raw_profile(text: &str) -> Option<Vec<u8>> {
    let mut words = text.split_ascii_whitespace();
    let (_, length) = (words.next()?, words.next()?.parse::<usize>().ok()?);
    let digits: Vec<u8> = words.flat_map(str::bytes).collect();
    let blob: Option<Vec<u8>> = digits
        .chunks_exact(2)
        .map(|two| Some((char::from(two[0]).to_digit(16)? << 4 | char::from(two[1]).to_digit(16)?) as u8))
        .collect();
    blob.filter(|blob| blob.len() == length)
}

pub(crate) fn refusal(error: DecodingError) -> ReadError {
    match error {
        DecodingError::IoError(error) => from_memory(&error),
        DecodingError::LimitsExceeded => too_large(),
        error => ReadError::Damaged(format!("is damaged: {}", in_words(&error.to_string()))),
    }
}

/// A message of the library without its debug text ("ChunkType { type: IDAT, critical: true, … }").
fn in_words(message: &str) -> String {
    let mut words = String::new();
    let mut rest = message;
    while let Some((before, behind)) = rest.split_once("ChunkType { type: ") {
        let name: String = behind.chars().take_while(char::is_ascii_alphanumeric).collect();
        words += before;
        words += &name;
        rest = behind.split_once('}').map_or("", |(_, rest)| rest);
    }
    words + rest
}

#[cfg(test)]
mod tests {
    #[test]
    fn profiles_in_digits() {
        assert_eq!(super::raw_profile("\nexif\n       3\n0a\nFf00\n"), Some(vec![10, 255, 0]));
        assert_eq!(super::raw_profile("\nexif\n4\n0aff00\n"), None);
        assert_eq!(super::raw_profile("\nexif\n1\n0x\n"), None);
        assert_eq!(super::raw_profile("exif"), None);
    }

    #[test]
    fn messages_are_in_words() {
        let message = "CRC error: expected 0x1 have 0x2 while decoding ChunkType { type: IDAT, critical: true } chunk.";
        assert_eq!(super::in_words(message), "CRC error: expected 0x1 have 0x2 while decoding IDAT chunk.");
        assert_eq!(super::in_words("no chunk"), "no chunk");
    }
}

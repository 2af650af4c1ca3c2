//! JPEG, read by the library `zune-jpeg` after checks that it does not make: without them it would
//! convert or invent pixels silently.

use heirloom_codec::image::{Image, Metadata};
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::{JpegDecoder, errors::DecodeErrors};

use super::frame::Frame;
use super::options::ReadOptions;
use super::refusals::{cmyk, cut_short, damaged, unsupported};
use crate::ReadError;

/// Reads a JPEG file, baseline or progressive.
pub(super) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Image, ReadError> {
    check(bytes)?;
    // Viewers show files whose markers are slightly wrong, so these are read.
    let lenient = DecoderOptions::default().set_strict_mode(false).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), lenient);
    decoder.decode_headers().map_err(refusal)?;
    let (grey, to) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (true, ColorSpace::Luma),
        Some(ColorSpace::RGB | ColorSpace::YCbCr) => (false, ColorSpace::RGB),
        Some(ColorSpace::CMYK | ColorSpace::YCCK) => return Err(cmyk()),
        other => {
            return Err(ReadError::Unsupported(format!(
                "has a colour space that is not read ({other:?}); convert it first, for example \
                 `magick IN -colorspace sRGB OUT.png`"
            )));
        }
    };
    let side = |n: usize| u32::try_from(n).map_err(|_| damaged("has a JPEG header without a size"));
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let frame = Frame::new((side(width)?, side(height)?), grey, false, 8, options)?;
    let metadata = Metadata {
        icc: decoder.icc_profile(),
        exif: decoder.exif().cloned(),
        xmp: decoder.xmp().cloned(),
        ..Metadata::default()
    };
    let mut samples = frame.buffer()?;
    decoder.set_options(lenient.jpeg_set_out_colorspace(to));
    decoder.decode_into(&mut samples).map_err(refusal)?;
    frame.image(samples, metadata)
}

fn refusal(error: DecodeErrors) -> ReadError {
    let message = error.to_string();
    match error {
        DecodeErrors::Unsupported(_) => unsupported(&message),
        _ => damaged(&message),
    }
}

/// Refuses files with four colour components (CMYK, YCCK), which the library would convert to RGB,
/// and files that end before their end marker, which it would fill up with grey.
fn check(bytes: &[u8]) -> Result<(), ReadError> {
    let mut at = 2;
    loop {
        // A marker is any number of FF bytes and a code.
        while bytes.get(at) == Some(&0xff) && bytes.get(at + 1) == Some(&0xff) {
            at += 1;
        }
        let (Some(&0xff), Some(&code)) = (bytes.get(at), bytes.get(at + 1)) else {
            return Err(if at >= bytes.len() {
                cut_short()
            } else {
                damaged("is a JPEG file without a marker where one must be")
            });
        };
        at += 2;
        if code == 0x01 || (0xd0..=0xd8).contains(&code) {
            continue; // markers without a segment
        }
        if code == 0xd9 {
            return Err(damaged("is a JPEG file without an image"));
        }
        let (Some(&high), Some(&low)) = (bytes.get(at), bytes.get(at + 1)) else { return Err(cut_short()) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        // Frame headers: marker, length, precision, height, width, number of components.
        let is_frame = matches!(code, 0xc0..=0xcf) && !matches!(code, 0xc4 | 0xc8 | 0xcc);
        if is_frame && bytes.get(at + 7) == Some(&4) {
            return Err(cmyk());
        }
        if code == 0xda {
            // In coded data FF is always followed by 00 or a restart marker, so this finds the end
            // marker.
            let whole = bytes.get(at..).is_some_and(|rest| rest.windows(2).any(|w| w == [0xff, 0xd9]));
            return if whole { Ok(()) } else { Err(cut_short()) };
        }
        at += length.max(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(components: u8) -> Vec<u8> {
        let mut bytes =
            vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 0xff, 0xd9, 0xff, 0xff, 0xc0, 0, 8, 8, 0, 1, 0, 1, components];
        bytes.extend([0xff, 0xda, 0, 2, 0x12, 0xff, 0x00, 0x34]);
        bytes
    }

    #[test]
    fn whole_cut_and_four_component_files() {
        let mut whole = frame(3);
        whole.extend([0xff, 0xd9]);
        assert!(check(&whole).is_ok());
        for end in 0..whole.len() - 1 {
            assert!(matches!(check(&whole[..end]), Err(ReadError::Damaged(_))), "cut to {end} bytes");
        }
        let mut cmyk = frame(4);
        cmyk.extend([0xff, 0xd9]);
        assert!(matches!(check(&cmyk), Err(ReadError::Unsupported(_))));
    }
}

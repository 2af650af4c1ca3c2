//! JPEG, by the library `zune-jpeg`, and checks that it leaves out: it would change or invent pixels without a word.

use heirloom_codec::image::{Image, Metadata};
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::{JpegDecoder, errors::DecodeErrors};

use super::{Frame, cmyk};
use crate::failure::Failure;

/// Reads a JPEG file, baseline or progressive.
pub fn read(bytes: &[u8]) -> Result<Image, Failure> {
    check(bytes)?;
    // Files whose markers are not quite as they should be are read, as all viewers do.
    let options = DecoderOptions::default().set_strict_mode(false).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(refusal)?;
    let (grey, to) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (true, ColorSpace::Luma),
        Some(ColorSpace::RGB | ColorSpace::YCbCr) => (false, ColorSpace::RGB),
        Some(ColorSpace::CMYK | ColorSpace::YCCK) => return Err(cmyk()),
        other => return Err(Failure::unsupported(format!("has colours of a kind that is not read ({other:?})"))),
    };
    let side = |n: usize| u32::try_from(n).map_err(|_| Failure::damaged("the JPEG file has a side of no length"));
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let frame = Frame::new((side(width)?, side(height)?), grey, false, 8)?;
    let metadata = Metadata { icc: decoder.icc_profile(), exif: decoder.exif().cloned(), xmp: decoder.xmp().cloned() };
    let mut samples = frame.room()?;
    decoder.set_options(options.jpeg_set_out_colorspace(to));
    decoder.decode_into(&mut samples).map_err(refusal)?;
    frame.image(samples, metadata)
}

fn refusal(error: DecodeErrors) -> Failure {
    let message = error.to_string();
    match error {
        DecodeErrors::Unsupported(_) => Failure::unsupported(message),
        _ => Failure::damaged(message),
    }
}

/// Refuses JPEG files with four colour components (CMYK, YCCK), which the reader would convert to RGB, and files that
/// end before their end marker, which it would fill up with grey.
fn check(bytes: &[u8]) -> Result<(), Failure> {
    let cut = || Failure::damaged("the JPEG file is cut short");
    let mut at = 2;
    loop {
        // A marker is any number of FF bytes and a code.
        while bytes.get(at) == Some(&0xff) && bytes.get(at + 1) == Some(&0xff) {
            at += 1;
        }
        let (Some(&0xff), Some(&code)) = (bytes.get(at), bytes.get(at + 1)) else {
            return Err(if at >= bytes.len() {
                cut()
            } else {
                Failure::damaged("the JPEG file has no marker where one should be")
            });
        };
        at += 2;
        if code == 0x01 || (0xd0..=0xd8).contains(&code) {
            continue; // markers without a segment
        }
        if code == 0xd9 {
            return Err(Failure::damaged("the JPEG file holds no image"));
        }
        let (Some(&high), Some(&low)) = (bytes.get(at), bytes.get(at + 1)) else { return Err(cut()) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        // Frame headers: marker, length, precision, height, width, number of components.
        let is_frame = matches!(code, 0xc0..=0xcf) && !matches!(code, 0xc4 | 0xc8 | 0xcc);
        if is_frame && bytes.get(at + 7) == Some(&4) {
            return Err(cmyk());
        }
        if code == 0xda {
            // In coded data FF is always followed by 00 or a restart marker, so an end marker cannot be mistaken.
            let whole = bytes.get(at..).is_some_and(|rest| rest.windows(2).any(|w| w == [0xff, 0xd9]));
            return if whole { Ok(()) } else { Err(cut()) };
        }
        at += length.max(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

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
        assert_eq!(check(&whole), Ok(()));
        for end in 0..whole.len() - 1 {
            assert_eq!(check(&whole[..end]).map_err(|e| e.kind), Err(Kind::Damaged), "cut to {end} bytes");
        }
        let mut cmyk = frame(4);
        cmyk.extend([0xff, 0xd9]);
        assert_eq!(check(&cmyk).map_err(|e| e.kind), Err(Kind::Unsupported));
    }
}

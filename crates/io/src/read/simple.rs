//! BMP, GIF, QOI and TGA, read by the library `image`: they hold little beside their pixels.

use std::borrow::Cow;
use std::io::Cursor;

use heirloom_codec::image::{Image, Metadata, Resolution};
use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, qoi::QoiDecoder, tga::TgaDecoder};
use image::error::ImageError;
use image::{AnimationDecoder, DynamicImage, ImageDecoder};

use super::reading::Reading;
use super::refusals::{damaged, from_memory, of_library, too_large, unsupported};
use crate::ReadError;
use crate::profile;

/// Reads a Windows or OS/2 bitmap: palettes, bit masks and run lengths.
pub(super) fn bmp(bytes: &[u8], reading: &mut Reading<'_>) -> Result<Image, ReadError> {
    reading.frame(1, "images")?;
    let bytes = windows_bitmap(bytes);
    let mut image = decoded(BmpDecoder::new(Cursor::new(&*bytes)).map_err(refusal)?, reading)?;
    image.metadata.resolution = bmp_resolution(&bytes);
    Ok(without_empty_alpha(image, reading))
}

/// Pixels per metre, which stand in headers of 40 bytes and more.
fn bmp_resolution(bytes: &[u8]) -> Option<Resolution> {
    let long = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (length, x, y) = (long(14)?, long(38)?, long(42)?);
    (length >= 40 && x > 0 && y > 0).then_some(Resolution { x, y, per_metre: true })
}

/// A bitmap of OS/2 2 with the header of Windows 3, which is the first part of its own; other files
/// as they are. The library knows no OS/2 2.
fn windows_bitmap(bytes: &[u8]) -> Cow<'_, [u8]> {
    /// Position and value of the length of the header.
    const OS2: (usize, [u8; 4]) = (14, [64, 0, 0, 0]);
    /// Where the header of Windows 3 ends, and that of OS/2 2.
    const ENDS: (usize, usize) = (54, 78);
    /// Position of the compression: run lengths of 24 bits and Huffman codes mean others in Windows.
    const COMPRESSION: usize = 30;
    if bytes.get(OS2.0..OS2.0 + 4) != Some(&OS2.1) || bytes.len() < ENDS.1 || bytes[COMPRESSION] > 2 {
        return Cow::Borrowed(bytes);
    }
    let mut windows = [&bytes[..ENDS.0], &bytes[ENDS.1..]].concat();
    windows[OS2.0] = 40;
    let offset = u32::from_le_bytes([bytes[10], bytes[11], bytes[12], bytes[13]]);
    windows[10..14].copy_from_slice(&offset.saturating_sub((ENDS.1 - ENDS.0) as u32).to_le_bytes());
    Cow::Owned(windows)
}

/// The image without alpha if all of it is 0: programs that write a fourth channel without meaning
/// anything by it write 0, and nobody keeps an image of which nothing can be seen.
fn without_empty_alpha(image: Image, reading: &mut Reading<'_>) -> Image {
    let (colour, alpha) = image.clone().split_alpha();
    match alpha {
        Some(alpha) if alpha.data().iter().all(|v| *v == 0) => {
            reading.note("its alpha channel, which is 0 everywhere, was left out");
            colour
        }
        _ => image,
    }
}

/// Reads a TGA file, true colour, grey or of a palette, plain or of run lengths.
pub(super) fn tga(bytes: &[u8], reading: &mut Reading<'_>) -> Result<Image, ReadError> {
    reading.frame(1, "images")?;
    let image = decoded(TgaDecoder::new(Cursor::new(bytes)).map_err(refusal)?, reading)?;
    Ok(without_empty_alpha(image, reading))
}

/// Reads a QOI file.
pub(super) fn qoi(bytes: &[u8], reading: &mut Reading<'_>) -> Result<Image, ReadError> {
    /// Position of the byte that says how colour is stored, and its value for linear light.
    const COLOUR: (usize, u8) = (13, 1);
    reading.frame(1, "images")?;
    let mut image = decoded(QoiDecoder::new(Cursor::new(bytes)).map_err(refusal)?, reading)?;
    if bytes.get(COLOUR.0) == Some(&COLOUR.1) {
        image.metadata.icc = profile::of_gamma(Some(1.0), None, false);
    }
    Ok(image)
}

/// Reads a frame of a GIF file as it is shown: with what it leaves of the frames before it.
pub(super) fn gif(bytes: &[u8], reading: &mut Reading<'_>) -> Result<Image, ReadError> {
    let mut decoder = GifDecoder::new(Cursor::new(bytes)).map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    reading.count(width, height, 4, 1)?;
    let icc = decoder.icc_profile().map_err(refusal)?;
    let wanted = reading.options.frame.unwrap_or(0);
    let mut frames = decoder.into_frames();
    let mut shown = None;
    for number in 0..=wanted {
        shown = match frames.next() {
            Some(frame) => Some(frame.map_err(refusal)?),
            None if number == 0 => return Err(damaged("is a GIF file without an image")),
            None => {
                reading.frame(number, "frames")?;
                None
            }
        };
    }
    let shown = shown.ok_or_else(|| damaged("is a GIF file without an image"))?;
    if reading.options.frame.is_none() && frames.next().is_some() {
        reading.note("only the first of its frames was taken; --frame N chooses another");
    }
    converted(shown.into_buffer().into(), Metadata { icc, ..Metadata::default() })
}

fn decoded(mut decoder: impl ImageDecoder, reading: &mut Reading<'_>) -> Result<Image, ReadError> {
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    reading.count(width, height, 1, usize::from(color.bytes_per_pixel()))?;
    let icc = decoder.icc_profile().map_err(refusal)?;
    let image = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    converted(image, Metadata { icc, ..Metadata::default() })
}

fn converted(image: DynamicImage, metadata: Metadata) -> Result<Image, ReadError> {
    let mut image = Image::try_from(image).map_err(|error| ReadError::Damaged(error.to_string()))?;
    image.metadata = metadata;
    Ok(image)
}

fn refusal(error: ImageError) -> ReadError {
    match error {
        ImageError::IoError(error) => from_memory(&error),
        ImageError::Limits(_) => too_large(),
        ImageError::Unsupported(error) => unsupported(&format!("is of a kind that is not read: {error}")),
        ImageError::Decoding(error) => {
            // The library's own words stand behind the name of its format.
            let source = std::error::Error::source(&error).map(ToString::to_string);
            of_library(&source.unwrap_or_else(|| error.to_string()))
        }
        error => of_library(&error.to_string()),
    }
}

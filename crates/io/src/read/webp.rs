//! WebP, read by the library `image-webp`.

use std::io::Cursor;

use heirloom_codec::image::{Image, Metadata};
use image_webp::{DecodingError, WebPDecoder};

use super::frame::{Frame, MAX_BYTES};
use super::options::ReadOptions;
use super::refusals::{animation, damaged, from_memory, too_large};
use crate::ReadError;

/// Reads a WebP file, lossy or lossless.
pub(super) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Image, ReadError> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(refusal)?;
    decoder.set_memory_limit(MAX_BYTES);
    if decoder.is_animated() {
        return Err(animation());
    }
    let frame = Frame::new(decoder.dimensions(), false, decoder.has_alpha(), 8, options)?;
    let metadata = Metadata {
        icc: decoder.icc_profile().map_err(refusal)?,
        exif: decoder.exif_metadata().map_err(refusal)?,
        xmp: decoder.xmp_metadata().map_err(refusal)?,
        ..Metadata::default()
    };
    let mut samples = frame.buffer()?;
    decoder.read_image(&mut samples).map_err(refusal)?;
    frame.image(samples, metadata)
}

fn refusal(error: DecodingError) -> ReadError {
    match error {
        DecodingError::IoError(error) => from_memory(&error),
        DecodingError::ImageTooLarge | DecodingError::MemoryLimitExceeded => too_large(),
        error => damaged(&error.to_string()),
    }
}

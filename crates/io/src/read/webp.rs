//! WebP, read by the library `image-webp`.

use std::io::Cursor;

use heirloom_codec::image::{Image, Metadata, Samples};
use image_webp::{DecodingError, WebPDecoder};

use super::reading::{Reading, image};
use super::refusals::{from_memory, of_library, too_large};
use crate::ReadError;

/// Reads a WebP file, lossy or lossless, or a frame of an animation as it is shown: with what it
/// leaves of the frames before it.
pub(super) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Result<Image, ReadError> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(refusal)?;
    decoder.set_memory_limit(usize::try_from(reading.options.max_bytes).unwrap_or(usize::MAX));
    let frames = if decoder.is_animated() { decoder.num_frames().max(1) } else { 1 };
    let frame = reading.frame(frames, "frames")?;
    let (width, height) = decoder.dimensions();
    let alpha = decoder.has_alpha();
    let metadata = Metadata {
        icc: decoder.icc_profile().map_err(refusal)?,
        exif: decoder.exif_metadata().map_err(refusal)?,
        xmp: decoder.xmp_metadata().map_err(refusal)?,
        ..Metadata::default()
    };
    let mut samples = reading.buffer(width, height, 3 + usize::from(alpha), 1)?;
    if decoder.is_animated() {
        for _ in 0..=frame {
            decoder.read_frame(&mut samples).map_err(refusal)?;
        }
    } else {
        decoder.read_image(&mut samples).map_err(refusal)?;
    }
    image((width, height), 3, alpha, Samples::U8(samples), metadata)
}

fn refusal(error: DecodingError) -> ReadError {
    match error {
        DecodingError::IoError(error) => from_memory(&error),
        DecodingError::ImageTooLarge | DecodingError::MemoryLimitExceeded => too_large(),
        error => of_library(&error.to_string()),
    }
}

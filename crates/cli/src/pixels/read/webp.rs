//! WebP, by the library `image-webp`.

use std::io::Cursor;

use heirloom_codec::image::{Image, Metadata};
use image_webp::{DecodingError, WebPDecoder};

use super::{Frame, MOST_MEMORY, animation, ended};
use crate::failure::Failure;

/// Reads a WebP file of either kind.
pub fn read(bytes: &[u8]) -> Result<Image, Failure> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(refusal)?;
    decoder.set_memory_limit(MOST_MEMORY);
    if decoder.is_animated() {
        return Err(animation());
    }
    let frame = Frame::new(decoder.dimensions(), false, decoder.has_alpha(), 8)?;
    let metadata = Metadata {
        icc: decoder.icc_profile().map_err(refusal)?,
        exif: decoder.exif_metadata().map_err(refusal)?,
        xmp: decoder.xmp_metadata().map_err(refusal)?,
    };
    let mut samples = frame.room()?;
    decoder.read_image(&mut samples).map_err(refusal)?;
    frame.image(samples, metadata)
}

fn refusal(error: DecodingError) -> Failure {
    match error {
        DecodingError::IoError(error) => ended(&error),
        DecodingError::ImageTooLarge | DecodingError::MemoryLimitExceeded => {
            Failure::unsupported("is too large to read")
        }
        error => Failure::damaged(error.to_string()),
    }
}

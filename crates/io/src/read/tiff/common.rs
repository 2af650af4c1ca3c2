//! What the parts of the TIFF reader share: the library's decoder and its errors, and what samples
//! mean.

use std::io::Cursor;

use tiff::{TiffError, decoder::Decoder};

use crate::ReadError;
use crate::read::refusals::{from_memory, of_library, too_large};

/// A decoder of a file in memory.
pub type FileDecoder<'a> = Decoder<Cursor<&'a [u8]>>;

/// What the samples of an image mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Photometric {
    WhiteIsZero = 0,
    BlackIsZero = 1,
    Rgb = 2,
    Palette = 3,
    Cmyk = 5,
    YCbCr = 6,
    CieLab = 8,
}

impl Photometric {
    pub fn new(tag: u16) -> Result<Self, ReadError> {
        Ok(match tag {
            0 => Self::WhiteIsZero,
            1 => Self::BlackIsZero,
            2 => Self::Rgb,
            3 => Self::Palette,
            5 => Self::Cmyk,
            6 => Self::YCbCr,
            8 => Self::CieLab,
            other => {
                return Err(ReadError::Unsupported(format!(
                    "has colours of a kind that is not read (photometric interpretation {other}); convert it first, \
                     for example `magick IN -type TrueColor -depth 8 OUT.png`"
                )));
            }
        })
    }
}

pub fn refusal(error: TiffError) -> ReadError {
    match error {
        TiffError::IoError(error) => from_memory(&error),
        TiffError::UnsupportedError(error) => ReadError::Unsupported(format!(
            "is a TIFF file of a kind that is not read ({error}); convert it first, for example `magick IN OUT.png`"
        )),
        TiffError::LimitsExceeded => too_large(),
        error => of_library(&error.to_string()),
    }
}

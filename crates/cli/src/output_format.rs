//! The flag that chooses the format of decoded images.

use std::path::Path;

use heirloom_io::{Format, Image, WriteError, Written};

use crate::failure::Failure;

/// A format that decoded images are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// Lossless, with ICC profile, Exif and XMP
    Png,
    /// Binary PPM, or PGM for grey images; lossless, without metadata
    #[value(alias = "pgm", alias = "pnm")]
    Ppm,
    /// Lossy (see --jpeg-quality), with ICC profile, Exif and XMP
    #[value(alias = "jpeg")]
    Jpg,
}

impl OutputFormat {
    /// The format that the extension of a file name asks for.
    pub fn from_path(path: &Path) -> Result<Self, Failure> {
        match Format::from_path(path) {
            Some(Format::Png) => Ok(Self::Png),
            Some(Format::Ppm) => Ok(Self::Ppm),
            Some(Format::Jpeg) => Ok(Self::Jpg),
            None => Err(Failure::usage(format!(
                "{}: images are not written in a format of this name; use .png, .ppm or .jpg, or give --format",
                path.display()
            ))),
        }
    }

    /// Extension of the format's file names, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => Format::Png.extension(),
            Self::Ppm => Format::Ppm.extension(),
            Self::Jpg => Format::Jpeg.extension(),
        }
    }

    /// The bytes of a file; `jpeg_quality` counts for JPEG only.
    pub fn write(self, image: &Image, jpeg_quality: u8) -> Result<Written, WriteError> {
        match self {
            Self::Png => heirloom_io::write(image, Format::Png),
            Self::Ppm => heirloom_io::write(image, Format::Ppm),
            Self::Jpg => heirloom_io::write_jpeg(image, jpeg_quality),
        }
    }
}

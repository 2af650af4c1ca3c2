//! The flags that say how decoded images are written.

use std::path::Path;

use heirloom_io::{Format, Image, WriteError, WriteOptions, Written, upright, write_with};

use crate::failure::Failure;
use crate::image_flags::colour;

/// A format that decoded images are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// Lossless, with all metadata
    Png,
    /// Binary PPM, PGM for grey images, PAM for images with alpha; lossless, without metadata
    #[value(alias = "pgm", alias = "pnm", alias = "pam")]
    Ppm,
    /// Lossy (see --jpeg-quality), 8 bits, without alpha (see --background), with all metadata
    #[value(alias = "jpeg")]
    Jpg,
    /// Lossless, 8 bits, with all metadata
    Webp,
    /// Lossless, with the ICC profile, XMP, and some of Exif
    #[value(alias = "tif")]
    Tiff,
    /// Lossless, 8 bits, without metadata
    Qoi,
}

impl OutputFormat {
    /// The format that the extension of a file name asks for.
    pub fn from_path(path: &Path) -> Result<Self, Failure> {
        match Format::from_path(path) {
            Some(Format::Png) => Ok(Self::Png),
            Some(Format::Ppm) => Ok(Self::Ppm),
            Some(Format::Jpeg) => Ok(Self::Jpg),
            Some(Format::WebP) => Ok(Self::Webp),
            Some(Format::Tiff) => Ok(Self::Tiff),
            Some(Format::Qoi) => Ok(Self::Qoi),
            _ => Err(Failure::usage(format!(
                "{}: images are not written in a format of this name; use .png, .jpg, .webp, .tif, .ppm or .qoi, or \
                 give --format",
                path.display()
            ))),
        }
    }

    /// The format of the library that writes images.
    pub fn format(self) -> Format {
        match self {
            Self::Png => Format::Png,
            Self::Ppm => Format::Ppm,
            Self::Jpg => Format::Jpeg,
            Self::Webp => Format::WebP,
            Self::Tiff => Format::Tiff,
            Self::Qoi => Format::Qoi,
        }
    }

    /// Extension of the format's file names, without a dot.
    pub fn extension(self) -> &'static str {
        self.format().extension()
    }
}

/// How decoded images are written.
#[derive(Debug, Clone, clap::Args)]
pub struct WriteFlags {
    /// Quality of JPEG output, 1 to 100
    #[arg(long, value_name = "Q", default_value_t = 95, value_parser = clap::value_parser!(u8).range(1..=100))]
    jpeg_quality: u8,

    /// Colour beneath transparent pixels in JPEG output: a name such as white, or #rrggbb
    #[arg(long, value_name = "COLOUR", default_value = "white", value_parser = colour)]
    background: [u16; 3],

    /// Turn and mirror the pixels as the Exif orientation says, and reset it
    #[arg(long)]
    upright: bool,
}

impl WriteFlags {
    /// Whether rows are written as they are decoded, one after another.
    pub fn keeps_rows(&self, format: OutputFormat) -> bool {
        !self.upright && matches!(format, OutputFormat::Png | OutputFormat::Ppm)
    }

    /// The bytes of a file.
    pub fn write(&self, image: Image, format: OutputFormat) -> Result<Written, WriteError> {
        let mut options = WriteOptions::default();
        options.jpeg_quality = self.jpeg_quality;
        options.background = self.background;
        write_with(&if self.upright { upright(image) } else { image }, format.format(), &options)
    }
}

//! Formats and the file names that belong to them.

use std::path::Path;

/// Extensions, in lower case, of the image files that [`read`](crate::read) understands.
pub const EXTENSIONS: [&str; 11] = ["bmp", "jfif", "jpeg", "jpg", "pgm", "png", "pnm", "ppm", "tif", "tiff", "webp"];

/// Format that images are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// PNG: lossless, with ICC profile, Exif and XMP.
    Png,
    /// Binary PPM, or PGM for grey images: lossless, without metadata.
    Ppm,
    /// JPEG: lossy, with ICC profile, Exif and XMP.
    Jpeg,
}

impl Format {
    /// The format that the extension of a file name asks for; `None` for a name that belongs to no
    /// format that is written.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "ppm" | "pgm" | "pnm" => Some(Self::Ppm),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            _ => None,
        }
    }

    /// Extension of the format's file names, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Ppm => "ppm",
            Self::Jpeg => "jpg",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_by_extension() {
        assert_eq!(Format::from_path(Path::new("a.PNG")), Some(Format::Png));
        assert_eq!(Format::from_path(Path::new("a.jpeg")), Some(Format::Jpeg));
        assert_eq!(Format::from_path(Path::new("a.pgm")), Some(Format::Ppm));
        assert_eq!(Format::from_path(Path::new("a.webp")), None);
        assert_eq!(Format::from_path(Path::new("a")), None);
    }
}

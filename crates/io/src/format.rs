//! Formats and the file names that belong to them.

use std::path::Path;

/// Extensions, in lower case, of the image files that [`read`](crate::read) understands.
pub const EXTENSIONS: [&str; 24] = [
    "apng", "bmp", "dib", "gif", "icb", "jfif", "jpe", "jpeg", "jpg", "jxl", "mpo", "pam", "pbm", "pgm", "png", "pnm",
    "ppm", "qoi", "tga", "tif", "tiff", "vda", "vst", "webp",
];

/// Format that images are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// PNG: lossless, with all metadata.
    Png,
    /// Binary PPM, PGM for grey images, PAM for images with alpha: lossless, without metadata.
    Ppm,
    /// JPEG: lossy, of 8 bits, without alpha, with all metadata.
    Jpeg,
    /// WebP: lossless, of 8 bits, with all metadata.
    WebP,
    /// TIFF: lossless, with the ICC profile, XMP, and some of Exif.
    Tiff,
    /// QOI: lossless, of 8 bits, without metadata.
    Qoi,
}

impl Format {
    /// The format that the extension of a file name asks for; `None` for a name that belongs to no
    /// format that is written.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "ppm" | "pgm" | "pnm" | "pam" => Some(Self::Ppm),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "webp" => Some(Self::WebP),
            "tif" | "tiff" => Some(Self::Tiff),
            "qoi" => Some(Self::Qoi),
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
            Self::WebP => "webp",
            Self::Tiff => "tif",
            Self::Qoi => "qoi",
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
        assert_eq!(Format::from_path(Path::new("a.webp")), Some(Format::WebP));
        assert_eq!(Format::from_path(Path::new("a.gif")), None);
        assert_eq!(Format::from_path(Path::new("a")), None);
    }
}

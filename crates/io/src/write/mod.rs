//! Writing images: one file per format.

mod jpeg;
pub(crate) mod png;
pub(crate) mod pnm;
mod qoi;
mod tiff;
mod webp;

use heirloom_codec::image::{Image, Metadata, Samples};

use crate::{Format, WriteError};

/// An image as the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// What the format could not hold, in words ("PPM holds no metadata; left out: Exif").
    pub lost: Option<String>,
}

/// How images are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteOptions {
    /// JPEG quality, 1 to 100.
    pub jpeg_quality: u8,
    /// Colour beneath transparent pixels in formats without alpha: red, green, blue, 0 to 65535.
    pub background: [u16; 3],
}

impl Default for WriteOptions {
    /// JPEG quality 95, a white background.
    fn default() -> Self {
        Self { jpeg_quality: 95, background: [u16::MAX; 3] }
    }
}

/// Writes an image with the default options.
///
/// # Errors
/// Images that the format cannot hold.
pub fn write(image: &Image, format: Format) -> Result<Written, WriteError> {
    write_with(image, format, &WriteOptions::default())
}

/// Writes an image. Samples of 16 bits are rounded to 8, and alpha is put on the background, where
/// the format has nothing else; [`Written::lost`] says so.
///
/// # Errors
/// Images that the format cannot hold.
pub fn write_with(image: &Image, format: Format, options: &WriteOptions) -> Result<Written, WriteError> {
    match format {
        Format::Png => png::write(image),
        Format::Ppm => Ok(pnm::write(image)),
        Format::Jpeg => jpeg::write(image, options),
        Format::WebP => webp::write(image),
        Format::Tiff => tiff::write(image),
        Format::Qoi => qoi::write(image),
    }
}

/// What a format cannot hold, collected.
#[derive(Default)]
pub(crate) struct Lost(Vec<String>);

impl Lost {
    fn add(&mut self, what: impl Into<String>) {
        self.0.push(what.into());
    }

    /// The samples of 8 bits; that 16 bits are lost is noted.
    fn shallow<'a>(&mut self, samples: &'a Samples) -> std::borrow::Cow<'a, [u8]> {
        if samples.bits() > 8 {
            self.add("its 16-bit samples were rounded to 8 bits");
        }
        samples.to_u8()
    }

    /// Notes the metadata that a format without any cannot hold.
    pub(crate) fn metadata(&mut self, format: &str, metadata: &Metadata) {
        let m = metadata;
        let blobs = [("ICC profile", &m.icc), ("Exif", &m.exif), ("XMP", &m.xmp)];
        let names: Vec<&str> = blobs.into_iter().filter_map(|(name, blob)| blob.as_ref().map(|_| name)).collect();
        if !names.is_empty() {
            self.add(format!("{format} holds no metadata; left out: {}", names.join(", ")));
        }
    }

    /// All of it, if there is any.
    pub(crate) fn text(self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join("; "))
    }

    fn with(self, bytes: Vec<u8>) -> Written {
        Written { bytes, lost: self.text() }
    }
}

/// Samples as bytes, of 16 bits the high byte first.
pub(crate) fn big_endian(samples: &Samples) -> std::borrow::Cow<'_, [u8]> {
    match samples {
        Samples::U8(samples) => samples.into(),
        Samples::U16(samples) => samples.iter().flat_map(|v| v.to_be_bytes()).collect(),
    }
}

#[cfg(test)]
mod tests;

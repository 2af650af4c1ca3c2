//! Measuring a codec with real files, which are read back from disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use heirloom_codec::Image;

use crate::{EvalError, bits_per_pixel, psnr};

/// A coded image that was written to disk and read back.
///
/// Encoder and decoder are functions, so that every codec is measured in the same way. A file may
/// be decoded several times, by different decoders.
///
/// ```
/// use heirloom_codec::image::{Image, PixelFormat};
/// use heirloom_eval::{EvalError, RealFile};
///
/// // A codec that stores the samples as they are.
/// let folder = tempfile::tempdir()?;
/// let image = Image::new(4, 2, PixelFormat::Grey8, (0..8).collect())?;
/// let path = folder.path().join("coded");
/// let file = RealFile::write(&image, &path, |image| Ok::<_, EvalError>(image.data().to_vec()))?;
/// assert_eq!(file.bpp(), 8.0);
/// let decoded = file.decode(|bytes| {
///     Image::new(4, 2, PixelFormat::Grey8, bytes.to_vec())
///         .map_err(|e| EvalError::Curve { name: "stored".into(), reason: e.to_string() })
/// })?;
/// assert_eq!(decoded.psnr, f64::INFINITY);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RealFile<'a> {
    original: &'a Image,
    bytes: Vec<u8>,
    encode_seconds: f64,
}

/// The result of decoding a file.
#[derive(Debug)]
pub struct Decoded {
    /// The decoded image.
    pub image: Image,
    /// PSNR in dB against the original, over 8-bit RGB.
    pub psnr: f64,
    /// Wall time of decoding, in seconds.
    pub seconds: f64,
}

impl<'a> RealFile<'a> {
    /// Encodes an image, writes the file to `path`, reads it back, and removes it.
    ///
    /// # Errors
    /// The encoder's error, and [`EvalError::File`].
    pub fn write<E: From<EvalError>>(
        original: &'a Image,
        path: &Path,
        encode: impl FnOnce(&Image) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let start = Instant::now();
        let coded = encode(original)?;
        let encode_seconds = start.elapsed().as_secs_f64();
        let bytes = through_disk(&coded, path)
            .map_err(|e| EvalError::File { path: PathBuf::from(path), reason: e.to_string() })?;
        Ok(Self { original, bytes, encode_seconds })
    }

    /// Decodes the file and compares the image with the original.
    ///
    /// # Errors
    /// The decoder's error, and [`EvalError::Shape`] for an image of another size.
    pub fn decode<E: From<EvalError>>(&self, decode: impl FnOnce(&[u8]) -> Result<Image, E>) -> Result<Decoded, E> {
        let start = Instant::now();
        let image = decode(&self.bytes)?;
        let seconds = start.elapsed().as_secs_f64();
        let psnr = self.psnr(&image)?;
        Ok(Decoded { image, psnr, seconds })
    }

    /// PSNR in dB of a decoded image against the original, over 8-bit RGB.
    ///
    /// # Errors
    /// [`EvalError::Shape`] for an image of another size.
    pub fn psnr(&self, decoded: &Image) -> Result<f64, EvalError> {
        psnr(&self.original.to_rgb(), &decoded.to_rgb())
    }

    /// The bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Length of the file in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Bits per pixel of the whole file.
    #[must_use]
    pub fn bpp(&self) -> f64 {
        bits_per_pixel(self.size(), self.original.width(), self.original.height())
    }

    /// Wall time of encoding, in seconds, without writing the file.
    #[must_use]
    pub fn encode_seconds(&self) -> f64 {
        self.encode_seconds
    }
}

fn through_disk(bytes: &[u8], path: &Path) -> std::io::Result<Vec<u8>> {
    fs::write(path, bytes)?;
    let read = fs::read(path)?;
    fs::remove_file(path)?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use heirloom_codec::image::PixelFormat;

    #[test]
    fn every_byte_of_the_file_counts_and_the_file_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let image = Image::new(10, 4, PixelFormat::Rgb8, vec![7; 120]).unwrap();
        let file = RealFile::write(&image, &path, |_| Ok::<_, EvalError>(vec![1; 15])).unwrap();
        assert_eq!((file.size(), file.bpp(), file.bytes()), (15, 3.0, &[1; 15][..]));
        assert!(!path.exists());
        let off_by_one = |_: &[u8]| Ok::<_, EvalError>(Image::new(10, 4, PixelFormat::Grey8, vec![8; 40]).unwrap());
        let decoded = file.decode(off_by_one).unwrap();
        assert!((decoded.psnr - 48.1308).abs() < 1e-4, "{}", decoded.psnr);
    }

    #[test]
    fn errors_of_the_codec_and_the_disk_are_passed_on() {
        let folder = tempfile::tempdir().unwrap();
        let image = Image::new(1, 1, PixelFormat::Grey8, vec![0]).unwrap();
        let refused = EvalError::UnknownAnchor { name: "encoder".into(), known: &[] };
        let encode = |_: &Image| Err(refused.clone());
        assert_eq!(RealFile::write(&image, &folder.path().join("x"), encode).unwrap_err(), refused);
        let missing = folder.path().join("no").join("x");
        let error = RealFile::write(&image, &missing, |_| Ok::<_, EvalError>(vec![])).unwrap_err();
        assert!(matches!(error, EvalError::File { path, .. } if path == missing));
        let file = RealFile::write(&image, &folder.path().join("x"), |_| Ok::<_, EvalError>(vec![])).unwrap();
        let larger = file.decode(|_| Ok::<_, EvalError>(Image::new(2, 1, PixelFormat::Grey8, vec![0; 2]).unwrap()));
        assert!(matches!(larger.unwrap_err(), EvalError::Shape { .. }));
    }
}

//! A decoding hook for the `image` crate, so that it reads Heirloom files like any other format.
//!
//! ```
//! # #[cfg(feature = "default-model")] {
//! # use heirloom::EncodeOptions;
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("photo.hlm");
//! # let photo = heirloom::Image::new(8, 8, heirloom::PixelFormat::Rgb8, vec![200; 8 * 8 * 3])?;
//! # std::fs::write(&path, heirloom::encode(&photo, &EncodeOptions::default())?)?;
//! heirloom::image_hook::register();
//! let image = image::open(path)?;
//! # assert_eq!((image.width(), image.height()), (8, 8));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::io::Read;

use heirloom_format::container::MAGIC;
use image::error::{
    DecodingError, ImageFormatHint, LimitError, LimitErrorKind, UnsupportedError, UnsupportedErrorKind,
};
use image::hooks::{DecodingHook, GenericReader, register_decoding_hook, register_format_detection_hook};
use image::{ColorType, ImageDecoder, ImageError, ImageResult};

use crate::{Decoder, Error, ErrorKind, Info, PixelFormat};

/// The extension of Heirloom files, without the dot.
pub const EXTENSION: &str = "hlm";

/// Lets the `image` crate read Heirloom files with the default model: by the extension `hlm`, and
/// by their first bytes where it guesses formats. Returns whether the hook is new; calling this
/// again changes nothing.
///
/// Memory is limited by the defaults of [`Decoder`]. Of `image::Limits`, only width and height
/// apply.
#[cfg(feature = "default-model")]
pub fn register() -> bool {
    register_with(Decoder::new())
}

/// Registers the hook with a decoder of your own. Only the first registration counts.
pub fn register_with(decoder: Decoder) -> bool {
    let hook: DecodingHook = Box::new(move |reader| HookDecoder::open(reader, decoder.clone()));
    let is_new = register_decoding_hook(EXTENSION.into(), hook);
    if is_new {
        register_format_detection_hook(EXTENSION.into(), &MAGIC, None);
    }
    is_new
}

/// A file that was read but not decoded yet.
struct HookDecoder {
    decoder: Decoder,
    bytes: Vec<u8>,
    info: Info,
}

impl HookDecoder {
    fn open<'a>(mut reader: GenericReader<'a>, decoder: Decoder) -> ImageResult<Box<dyn ImageDecoder + 'a>> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        let info = crate::info(&bytes).map_err(into_image_error)?;
        Ok(Box::new(Self { decoder, bytes, info }))
    }
}

impl ImageDecoder for HookDecoder {
    fn dimensions(&self) -> (u32, u32) {
        (self.info.width, self.info.height)
    }

    fn color_type(&self) -> ColorType {
        match self.info.pixel_format {
            PixelFormat::Grey8 => ColorType::L8,
            PixelFormat::GreyAlpha8 => ColorType::La8,
            PixelFormat::Rgba8 => ColorType::Rgba8,
            PixelFormat::Grey16 => ColorType::L16,
            PixelFormat::GreyAlpha16 => ColorType::La16,
            PixelFormat::Rgb16 => ColorType::Rgb16,
            PixelFormat::Rgba16 => ColorType::Rgba16,
            _ => ColorType::Rgb8,
        }
    }

    fn icc_profile(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.info.metadata.icc.clone())
    }

    fn exif_metadata(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.info.metadata.exif.clone())
    }

    fn xmp_metadata(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.info.metadata.xmp.clone())
    }

    fn read_image(self, buffer: &mut [u8]) -> ImageResult<()> {
        let image = self.decoder.decode(&self.bytes).map_err(into_image_error)?;
        if buffer.len() != image.data().len() {
            let kind = image::error::ParameterErrorKind::DimensionMismatch;
            return Err(ImageError::Parameter(image::error::ParameterError::from_kind(kind)));
        }
        buffer.copy_from_slice(image.data());
        Ok(())
    }

    fn read_image_boxed(self: Box<Self>, buffer: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(buffer)
    }
}

fn into_image_error(error: Error) -> ImageError {
    let format = ImageFormatHint::Name("Heirloom".into());
    match error.kind() {
        ErrorKind::OverLimit => ImageError::Limits(LimitError::from_kind(LimitErrorKind::InsufficientMemory)),
        ErrorKind::Unsupported | ErrorKind::UnknownModel => ImageError::Unsupported(
            UnsupportedError::from_format_and_kind(format, UnsupportedErrorKind::GenericFeature(error.to_string())),
        ),
        _ => ImageError::Decoding(DecodingError::new(format, error)),
    }
}

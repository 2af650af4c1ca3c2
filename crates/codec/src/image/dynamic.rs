//! Conversions from and to images of the `image` crate.

use image::{DynamicImage, GrayImage, RgbImage};

use super::{Image, ImageError, PixelFormat};

/// Takes the pixels of an 8-bit RGB or grey image. Other images are refused with
/// [`ImageError::Unsupported`]: nothing is converted silently. Metadata stays empty, since a
/// `DynamicImage` has none.
impl TryFrom<DynamicImage> for Image {
    type Error = ImageError;

    fn try_from(image: DynamicImage) -> Result<Self, ImageError> {
        let (width, height) = (image.width(), image.height());
        let (format, data) = match image {
            DynamicImage::ImageRgb8(image) => (PixelFormat::Rgb8, image.into_raw()),
            DynamicImage::ImageLuma8(image) => (PixelFormat::Grey8, image.into_raw()),
            other => return Err(ImageError::Unsupported { found: name(&other) }),
        };
        Self::new(width, height, format, data)
    }
}

/// As for an owned image, with a copy of its pixels.
impl TryFrom<&DynamicImage> for Image {
    type Error = ImageError;

    fn try_from(image: &DynamicImage) -> Result<Self, ImageError> {
        let (format, data) = match image {
            DynamicImage::ImageRgb8(image) => (PixelFormat::Rgb8, image.as_raw()),
            DynamicImage::ImageLuma8(image) => (PixelFormat::Grey8, image.as_raw()),
            other => return Err(ImageError::Unsupported { found: name(other) }),
        };
        Self::new(image.width(), image.height(), format, data.clone())
    }
}

/// The pixels as an `ImageRgb8` or `ImageLuma8`. Metadata is dropped; take it from
/// [`Image::metadata`] first.
impl From<Image> for DynamicImage {
    fn from(image: Image) -> Self {
        let (width, height, format) = (image.width(), image.height(), image.format());
        let data = image.into_data();
        // The buffer of an `Image` always has the length that its size asks for.
        match format {
            PixelFormat::Rgb8 => Self::ImageRgb8(RgbImage::from_raw(width, height, data).unwrap_or_default()),
            PixelFormat::Grey8 => Self::ImageLuma8(GrayImage::from_raw(width, height, data).unwrap_or_default()),
        }
    }
}

fn name(image: &DynamicImage) -> &'static str {
    match image {
        DynamicImage::ImageLumaA8(_) => "8-bit grey pixels with alpha",
        DynamicImage::ImageRgba8(_) => "8-bit RGB pixels with alpha",
        DynamicImage::ImageLuma16(_) => "16-bit grey pixels",
        DynamicImage::ImageLumaA16(_) => "16-bit grey pixels with alpha",
        DynamicImage::ImageRgb16(_) => "16-bit RGB pixels",
        DynamicImage::ImageRgba16(_) => "16-bit RGB pixels with alpha",
        DynamicImage::ImageRgb32F(_) => "floating-point RGB pixels",
        DynamicImage::ImageRgba32F(_) => "floating-point RGB pixels with alpha",
        _ => "pixels of an unknown kind",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bit_images_survive_conversion() {
        let rgb = DynamicImage::ImageRgb8(RgbImage::from_fn(3, 2, |x, y| image::Rgb([x as u8, y as u8, 7])));
        let ours = Image::try_from(&rgb).unwrap();
        assert_eq!((ours.width(), ours.height(), ours.format()), (3, 2, PixelFormat::Rgb8));
        assert_eq!(&ours.data()[3..6], [1, 0, 7]);
        assert_eq!(Image::try_from(rgb.clone()), Ok(ours.clone()));
        assert_eq!(DynamicImage::from(ours), rgb);
        let grey = rgb.grayscale();
        assert_eq!(DynamicImage::from(Image::try_from(grey.clone()).unwrap()), grey);
    }

    #[test]
    fn other_images_are_refused_by_name() {
        let refused = |image: DynamicImage| Image::try_from(image).unwrap_err().to_string();
        assert!(refused(DynamicImage::new_rgba8(1, 1)).contains("alpha"));
        assert!(refused(DynamicImage::new_rgb16(1, 1)).contains("16-bit RGB"));
        assert!(Image::try_from(&DynamicImage::new_luma_a8(1, 1)).is_err());
        assert_eq!(Image::try_from(DynamicImage::new_rgb8(0, 4)), Err(ImageError::Empty { width: 0, height: 4 }));
    }
}

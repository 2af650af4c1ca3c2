//! Conversions from and to images of the `image` crate.

use image::{DynamicImage, ImageBuffer};

use super::{Image, ImageError, PixelFormat, Samples};

/// Takes the pixels of an image of 8 or 16 bits per sample. Floating-point images are refused with
/// [`ImageError::Unsupported`]: nothing is converted silently. Metadata stays empty, since a
/// `DynamicImage` has none.
impl TryFrom<DynamicImage> for Image {
    type Error = ImageError;

    fn try_from(image: DynamicImage) -> Result<Self, ImageError> {
        let (width, height) = (image.width(), image.height());
        let (format, samples): (_, Samples) = match image {
            DynamicImage::ImageLuma8(image) => (PixelFormat::Grey8, image.into_raw().into()),
            DynamicImage::ImageLumaA8(image) => (PixelFormat::GreyAlpha8, image.into_raw().into()),
            DynamicImage::ImageRgb8(image) => (PixelFormat::Rgb8, image.into_raw().into()),
            DynamicImage::ImageRgba8(image) => (PixelFormat::Rgba8, image.into_raw().into()),
            DynamicImage::ImageLuma16(image) => (PixelFormat::Grey16, image.into_raw().into()),
            DynamicImage::ImageLumaA16(image) => (PixelFormat::GreyAlpha16, image.into_raw().into()),
            DynamicImage::ImageRgb16(image) => (PixelFormat::Rgb16, image.into_raw().into()),
            DynamicImage::ImageRgba16(image) => (PixelFormat::Rgba16, image.into_raw().into()),
            other => return Err(ImageError::Unsupported { found: name(&other) }),
        };
        Self::from_samples(width, height, format, samples)
    }
}

/// As for an owned image, with a copy of its pixels.
impl TryFrom<&DynamicImage> for Image {
    type Error = ImageError;

    fn try_from(image: &DynamicImage) -> Result<Self, ImageError> {
        match image {
            DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_) => {
                Err(ImageError::Unsupported { found: name(image) })
            }
            image => Self::try_from(image.clone()),
        }
    }
}

/// The pixels as the kind of `DynamicImage` that has the same channels and depth. Metadata is
/// dropped; take it from [`Image::metadata`] first.
impl From<Image> for DynamicImage {
    fn from(image: Image) -> Self {
        let (width, height, format) = (image.width(), image.height(), image.format());
        // The buffer of an `Image` always has the length that its size asks for.
        macro_rules! wrapped {
            ($kind:ident, $samples:expr) => {
                Self::$kind(ImageBuffer::from_raw(width, height, $samples).unwrap_or_default())
            };
        }
        match (image.into_samples(), format.is_grey(), format.has_alpha()) {
            (Samples::U8(samples), true, false) => wrapped!(ImageLuma8, samples),
            (Samples::U8(samples), true, true) => wrapped!(ImageLumaA8, samples),
            (Samples::U8(samples), false, false) => wrapped!(ImageRgb8, samples),
            (Samples::U8(samples), false, true) => wrapped!(ImageRgba8, samples),
            (Samples::U16(samples), true, false) => wrapped!(ImageLuma16, samples),
            (Samples::U16(samples), true, true) => wrapped!(ImageLumaA16, samples),
            (Samples::U16(samples), false, false) => wrapped!(ImageRgb16, samples),
            (Samples::U16(samples), false, true) => wrapped!(ImageRgba16, samples),
        }
    }
}

fn name(image: &DynamicImage) -> &'static str {
    match image {
        DynamicImage::ImageRgb32F(_) => "floating-point RGB pixels",
        DynamicImage::ImageRgba32F(_) => "floating-point RGB pixels with alpha",
        _ => "pixels of an unknown kind",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_8_and_16_bits_survive_conversion() {
        let rgb = image::RgbImage::from_fn(3, 2, |x, y| image::Rgb([x as u8, y as u8, 7]));
        let ours = Image::try_from(DynamicImage::from(rgb.clone())).unwrap();
        assert_eq!((ours.width(), ours.height(), ours.format()), (3, 2, PixelFormat::Rgb8));
        assert_eq!(&ours.data()[3..6], [1, 0, 7]);
        let rgb = DynamicImage::from(rgb);
        for theirs in [
            rgb.to_luma8().into(),
            rgb.to_luma_alpha8().into(),
            rgb.to_rgba8().into(),
            rgb.to_luma16().into(),
            rgb.to_luma_alpha16().into(),
            rgb.to_rgb16().into(),
            rgb.to_rgba16().into(),
            rgb,
        ] {
            let ours = Image::try_from(&theirs).unwrap();
            assert_eq!(Image::try_from(theirs.clone()), Ok(ours.clone()));
            assert_eq!(ours.data(), theirs.as_bytes());
            assert_eq!(DynamicImage::from(ours), theirs);
        }
    }

    #[test]
    fn other_images_are_refused_by_name() {
        let refused = |image: DynamicImage| Image::try_from(image).unwrap_err().to_string();
        assert!(refused(DynamicImage::new_rgb32f(1, 1)).contains("floating-point"));
        assert!(Image::try_from(&DynamicImage::new_rgba32f(1, 1)).is_err());
        assert_eq!(Image::try_from(DynamicImage::new_rgb8(0, 4)), Err(ImageError::Empty { width: 0, height: 4 }));
    }
}

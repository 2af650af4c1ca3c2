//! Alpha as a plane of its own: the network codes colour only.

use super::{Image, ImageError, Samples};

impl Image {
    /// Takes alpha apart: the image without it, which keeps the metadata, and alpha as a grey image
    /// of the same depth, or `None` for an image without alpha, which is returned as it is.
    #[must_use]
    pub fn split_alpha(self) -> (Self, Option<Self>) {
        if !self.format().has_alpha() {
            return (self, None);
        }
        let (colour, alpha) = match self.samples() {
            Samples::U8(data) => split(data, self.format().channels()),
            Samples::U16(data) => split(data, self.format().channels()),
        };
        let format = self.format().without_alpha();
        let alpha = self.bare(format.grey(), alpha);
        (self.replaced(format, colour), Some(alpha))
    }

    /// Puts back the alpha that [`Image::split_alpha`] took apart. Alpha that the image has already
    /// is replaced.
    ///
    /// # Errors
    /// Alpha that is not a grey image of the same size and depth.
    pub fn with_alpha(self, alpha: &Self) -> Result<Self, ImageError> {
        let (colour, _) = self.split_alpha();
        if (alpha.width(), alpha.height()) != (colour.width(), colour.height()) {
            let expected = u64::from(colour.width()) * u64::from(colour.height());
            return Err(ImageError::Length { found: alpha.samples().len(), expected });
        }
        if alpha.format().channels() != 1 {
            return Err(ImageError::Unsupported { found: "alpha of several channels" });
        }
        let channels = colour.format().channels();
        let joined = match (colour.samples(), alpha.samples()) {
            (Samples::U8(colour), Samples::U8(alpha)) => Samples::U8(joined(colour, alpha, channels)),
            (Samples::U16(colour), Samples::U16(alpha)) => Samples::U16(joined(colour, alpha, channels)),
            (colour, alpha) => return Err(ImageError::Depth { found: alpha.bits(), expected: colour.bits() }),
        };
        let format = colour.format().with_alpha();
        Ok(colour.replaced(format, joined))
    }

    /// Whether every pixel is wholly opaque, as all pixels of an image without alpha are.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        if !self.format().has_alpha() {
            return true;
        }
        let channels = self.format().channels();
        match self.samples() {
            Samples::U8(data) => data.chunks_exact(channels).all(|pixel| pixel[channels - 1] == u8::MAX),
            Samples::U16(data) => data.chunks_exact(channels).all(|pixel| pixel[channels - 1] == u16::MAX),
        }
    }

    /// The image on an opaque background of one colour, without alpha. The colour is 16-bit RGB; a
    /// grey image takes the mean of its three values. Samples are mixed as they are stored, as web
    /// browsers do, and rounded to nearest.
    #[must_use]
    pub fn flattened(self, background: [u16; 3]) -> Self {
        if !self.format().has_alpha() {
            return self;
        }
        let format = self.format().without_alpha();
        let grey = ((background.iter().map(|&v| u32::from(v)).sum::<u32>() + 1) / 3) as u16;
        let background = if format.is_grey() { [grey; 3] } else { background };
        let mix = |colour: u32, behind: u32, alpha: u32, max: u32| {
            let sum = u64::from(colour) * u64::from(alpha) + u64::from(behind) * u64::from(max - alpha);
            ((sum + u64::from(max / 2)) / u64::from(max)) as u32
        };
        let channels = self.format().channels();
        let samples = match self.samples() {
            Samples::U8(data) => {
                let background = background.map(|v| u32::from(super::samples::to_8_bits(v)));
                flat(data, channels, |v, c, alpha| mix(v.into(), background[c], alpha.into(), 255) as u8).into()
            }
            Samples::U16(data) => {
                flat(data, channels, |v, c, alpha| mix(v.into(), background[c].into(), alpha.into(), 65535) as u16)
                    .into()
            }
        };
        self.replaced(format, samples)
    }
}

fn split<T: Copy>(data: &[T], channels: usize) -> (Samples, Samples)
where
    Samples: From<Vec<T>>,
{
    let pixels = data.len() / channels;
    let (mut colour, mut alpha) = (Vec::with_capacity(pixels * (channels - 1)), Vec::with_capacity(pixels));
    for pixel in data.chunks_exact(channels) {
        colour.extend_from_slice(&pixel[..channels - 1]);
        alpha.push(pixel[channels - 1]);
    }
    (colour.into(), alpha.into())
}

fn joined<T: Copy>(colour: &[T], alpha: &[T], channels: usize) -> Vec<T> {
    let mut joined = Vec::with_capacity(colour.len() + alpha.len());
    for (pixel, alpha) in colour.chunks_exact(channels).zip(alpha) {
        joined.extend_from_slice(pixel);
        joined.push(*alpha);
    }
    joined
}

/// The colour samples, each changed by a function of the sample, its channel, and alpha.
fn flat<T: Copy>(data: &[T], channels: usize, mix: impl Fn(T, usize, T) -> T) -> Vec<T> {
    let mut flat = Vec::with_capacity(data.len() / channels * (channels - 1));
    for pixel in data.chunks_exact(channels) {
        let alpha = pixel[channels - 1];
        flat.extend(pixel[..channels - 1].iter().enumerate().map(|(c, &v)| mix(v, c, alpha)));
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::PixelFormat;

    #[test]
    fn alpha_is_split_off_and_put_back() {
        for format in PixelFormat::ALL {
            let count = 6 * format.channels();
            let mut image = match format.bits() {
                8 => Image::new(3, 2, format, (0..count as u8).collect()).unwrap(),
                _ => Image::new16(3, 2, format, (0..count as u16).map(|v| v * 1000).collect()).unwrap(),
            };
            image.metadata.xmp = Some(b"<x/>".to_vec());
            let (colour, alpha) = image.clone().split_alpha();
            assert_eq!(colour.format(), format.without_alpha());
            assert_eq!((alpha.is_some(), image.is_opaque()), (format.has_alpha(), !format.has_alpha()));
            assert_eq!(colour.metadata, image.metadata);
            if let Some(alpha) = alpha {
                assert_eq!((alpha.format().channels(), alpha.format().bits()), (1, format.bits()));
                assert_eq!(colour.clone().with_alpha(&alpha).unwrap(), image);
                assert_eq!(image.clone().with_alpha(&alpha).unwrap(), image);
            }
        }
        let rgb = Image::new(1, 1, PixelFormat::Rgb8, vec![1, 2, 3]).unwrap();
        let deep = Image::new16(1, 1, PixelFormat::Grey16, vec![9]).unwrap();
        assert!(matches!(rgb.clone().with_alpha(&deep), Err(ImageError::Depth { found: 16, expected: 8 })));
        assert!(matches!(rgb.clone().with_alpha(&rgb), Err(ImageError::Unsupported { .. })));
        let wide = Image::new(2, 1, PixelFormat::Grey8, vec![9, 9]).unwrap();
        assert!(matches!(rgb.with_alpha(&wide), Err(ImageError::Length { found: 2, expected: 1 })));
    }

    #[test]
    fn backgrounds_show_through() {
        let image =
            Image::new(3, 1, PixelFormat::Rgba8, vec![10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 255, 128]).unwrap();
        assert!(!image.is_opaque());
        let flat = image.flattened([0xffff, 0, 0x8080]);
        assert_eq!((flat.format(), flat.data()), (PixelFormat::Rgb8, &[10, 20, 30, 255, 0, 128, 127, 50, 192][..]));
        let grey = Image::new16(2, 1, PixelFormat::GreyAlpha16, vec![7, 65535, 7, 0]).unwrap();
        assert_eq!(grey.flattened([1000, 2000, 6000]).samples(), &Samples::U16(vec![7, 3000]));
    }
}

//! Images as a page passes them: bytes with a width, a height and the name of a format.

use heirloom::{Image, PixelFormat};

use crate::failure::Failure;

/// The pixel formats by their names.
const FORMATS: [PixelFormat; 8] = [
    PixelFormat::Grey8,
    PixelFormat::GreyAlpha8,
    PixelFormat::Rgb8,
    PixelFormat::Rgba8,
    PixelFormat::Grey16,
    PixelFormat::GreyAlpha16,
    PixelFormat::Rgb16,
    PixelFormat::Rgba16,
];

/// Makes an image of bytes: rows from the top, channels interleaved, samples of 16 bits little endian.
///
/// # Errors
/// A format of another name, or bytes that are not width × height pixels.
pub fn image(width: u32, height: u32, format: &str, bytes: Vec<u8>) -> Result<Image, Failure> {
    let Some(&format) = FORMATS.iter().find(|known| known.name() == format) else {
        let names: Vec<&str> = FORMATS.iter().map(|known| known.name()).collect();
        return Err(Failure::parameter(format!("the pixel format '{format}' is none of {}", names.join(", "))));
    };
    let made = if format.bits() == 8 {
        Image::new(width, height, format, bytes)
    } else {
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(Failure::parameter("samples of 16 bits are two bytes each; the number of bytes is odd"));
        }
        Image::new16(width, height, format, pairs.iter().map(|&pair| u16::from_le_bytes(pair)).collect())
    };
    made.map_err(|error| Failure::from(heirloom::Error::from(error)))
}

/// The bytes of an image, as [`image`] takes them.
#[must_use]
pub fn bytes(image: &Image) -> Vec<u8> {
    match image.samples().as_u16() {
        Some(samples) => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
        None => image.samples().as_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking
    use super::*;

    #[test]
    fn bytes_become_an_image_and_bytes_again() {
        let deep = image(2, 1, "grey-alpha16", vec![1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        assert_eq!(deep.samples().as_u16().unwrap(), [0x0201, 0x0403, 0x0605, 0x0807]);
        assert_eq!(bytes(&deep), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(bytes(&image(1, 2, "grey8", vec![7, 8]).unwrap()), [7, 8]);
        for format in FORMATS {
            let length = format.channels() * format.bits() as usize / 8;
            assert_eq!(image(1, 1, format.name(), vec![0; length]).unwrap().format(), format);
        }
    }

    #[test]
    fn bytes_that_are_no_image_are_refused() {
        for (width, height, format, length) in
            [(1, 1, "grey", 1), (1, 1, "grey16", 3), (2, 2, "rgb8", 11), (0, 1, "rgb8", 0)]
        {
            assert_eq!(image(width, height, format, vec![0; length]).unwrap_err().kind, "bad-parameter");
        }
    }
}

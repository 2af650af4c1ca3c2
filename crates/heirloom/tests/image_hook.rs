//! The `image` crate reads Heirloom files once the hook is registered.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::io::Cursor;

use heirloom::{EncodeOptions, Image};
use image::{DynamicImage, ImageError, ImageReader, RgbImage};

fn photo() -> DynamicImage {
    RgbImage::from_fn(70, 40, |x, y| image::Rgb([(x * 3) as u8, (y * 5) as u8, 100])).into()
}

// One test, since hooks are global to the process.
#[test]
fn image_opens_heirloom_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.HLM");
    let mut ours = Image::try_from(photo()).unwrap();
    ours.metadata.icc = Some(vec![7; 20]);
    let bytes = heirloom::encode(&ours, &EncodeOptions::quality(80.0)).unwrap();
    std::fs::write(&path, &bytes).unwrap();
    assert!(image::open(&path).is_err(), "nothing is registered yet");

    assert!(heirloom::image_hook::register());
    assert!(!heirloom::image_hook::register());

    let expected = DynamicImage::from(heirloom::decode(&bytes).unwrap());
    assert_eq!(image::open(&path).unwrap(), expected);
    // By their first bytes, where there is no name.
    assert_eq!(image::load_from_memory(&bytes).unwrap(), expected);
    let grey = Image::try_from(photo().grayscale()).unwrap();
    let grey = heirloom::encode(&grey, &EncodeOptions::default()).unwrap();
    assert!(matches!(image::load_from_memory(&grey).unwrap(), DynamicImage::ImageLuma8(_)));

    let mut decoder = ImageReader::open(&path).unwrap().into_decoder().unwrap();
    assert_eq!(image::ImageDecoder::icc_profile(&mut decoder).unwrap(), ours.metadata.icc);

    let cut = image::load_from_memory(&bytes[..bytes.len() - 1]).unwrap_err();
    assert!(matches!(&cut, ImageError::Decoding(_)) && cut.to_string().contains("cut short"), "{cut}");
    let mut small = ImageReader::new(Cursor::new(&bytes)).with_guessed_format().unwrap();
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(69);
    small.limits(limits);
    assert!(matches!(small.decode().unwrap_err(), ImageError::Limits(_)));
}

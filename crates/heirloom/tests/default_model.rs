//! The interface that a stranger sees, with the default model.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::error::Error as _;

use heirloom::{Decoder, EncodeOptions, Encoder, Error, ErrorKind, Image, Metadata, Model, PixelFormat};

/// A smooth image with some texture, and metadata.
fn sample(width: u32, height: u32, format: PixelFormat) -> Image {
    let channels = format.channels() as u32;
    let value = |x: u32, y: u32, c: u32| (x + y * c / 2 + (x * y) % 5 * 3).min(255) as u8;
    let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..channels).map(move |c| value(x, y, c))));
    let mut image = Image::new(width, height, format, pixels.collect()).unwrap();
    image.metadata = Metadata { icc: Some(vec![1; 9]), exif: None, xmp: Some(b"<x/>".to_vec()), ..Metadata::default() };
    image
}

fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn images_survive_with_their_metadata() {
    for format in [PixelFormat::Rgb8, PixelFormat::Grey8] {
        let image = sample(75, 50, format);
        let bytes = heirloom::encode(&image, &EncodeOptions::quality(90.0)).unwrap();
        let decoded = heirloom::decode(&bytes).unwrap();
        assert_eq!((decoded.width(), decoded.height(), decoded.format()), (75, 50, format));
        assert_eq!(decoded.metadata, image.metadata);
        let error: u64 = image.data().iter().zip(decoded.data()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(error < 5 * image.data().len() as u64, "mean error {}", error as f64 / image.data().len() as f64);
    }
}

#[test]
fn higher_quality_costs_more_bytes() {
    let image = sample(128, 128, PixelFormat::Rgb8);
    let size = |quality| heirloom::encode(&image, &EncodeOptions::quality(quality)).unwrap().len();
    let sizes = [0.0, 50.0, 100.0].map(size);
    assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
    assert_eq!(heirloom::encode(&image, &EncodeOptions::default()).unwrap().len(), sizes[1]);
}

#[test]
fn quality_is_a_scale_of_lambda() {
    let image = sample(20, 20, PixelFormat::Rgb8);
    let range = Model::embedded().unwrap().lambda_range();
    let encoder = Encoder::new();
    let lowest = encoder.clone().quality(0.0).encode(&image).unwrap();
    assert_eq!(lowest, encoder.clone().lambda(*range.start()).encode(&image).unwrap());
    assert_eq!(heirloom::info(&lowest).unwrap().lambda, *range.start());
    for bad in [-1.0, 100.5, f32::NAN] {
        assert_eq!(kind(encoder.clone().quality(bad).encode(&image)), ErrorKind::BadParameter);
    }
    let error = encoder.lambda(*range.end() * 2.0).encode(&image).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadParameter);
    assert!(error.to_string().contains(&range.end().to_string()), "{error}");
    assert!(error.source().is_some());
}

#[test]
fn info_tells_what_a_file_holds() {
    let image = sample(75, 50, PixelFormat::Rgb8);
    let bytes = heirloom::encode(&image, &EncodeOptions::default()).unwrap();
    let info = heirloom::info(&bytes).unwrap();
    assert_eq!((info.width, info.height, info.pixel_format), (75, 50, PixelFormat::Rgb8));
    assert_eq!((info.file_bytes, &info.metadata), (bytes.len(), &image.metadata));
    assert!(info.latent_bytes.iter().sum::<usize>() < bytes.len());
    assert!((info.bits_per_pixel() - bytes.len() as f64 * 8.0 / 3750.0).abs() < 1e-9);
    let model = Model::embedded().unwrap();
    assert!(model.decodes(&info) && model.wrote(&info));
    assert!(model.entropy_id().starts_with(&info.entropy_id));
    assert!(model.generation_id().starts_with(&info.generation_id));
    assert_eq!(info.generation, model.generation());
}

#[test]
fn every_kind_of_error_is_told_apart() {
    let image = sample(40, 40, PixelFormat::Grey8);
    let bytes = heirloom::encode(&image, &EncodeOptions::default()).unwrap();
    assert_eq!(kind(heirloom::decode(b"not a file")), ErrorKind::NotHeirloom);
    assert_eq!(kind(heirloom::decode(&bytes[..bytes.len() - 1])), ErrorKind::CutShort);
    assert_eq!(kind(heirloom::decode(&[])), ErrorKind::NotHeirloom);
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(kind(heirloom::decode(&damaged)), ErrorKind::Damaged);
    assert_eq!(kind(heirloom::info(&damaged)), ErrorKind::Damaged);
    let mut newer = bytes.clone();
    newer[8] = 99;
    assert_eq!(kind(heirloom::decode(&newer)), ErrorKind::Unsupported);
    assert_eq!(kind(Decoder::new().max_pixels(4095).decode(&bytes)), ErrorKind::OverLimit);
    assert_eq!(kind(Decoder::new().max_memory(1000).decode(&bytes)), ErrorKind::OverLimit);
    assert_eq!(kind(Decoder::new().max_metadata_bytes(3).decode(&bytes)), ErrorKind::OverLimit);
    assert_eq!(kind(Encoder::new().max_memory(1000).encode(&image)), ErrorKind::OverLimit);
    assert_eq!(kind(Model::from_bytes(b"no model")), ErrorKind::BadModel);
    assert_eq!(kind(Image::new(0, 1, PixelFormat::Rgb8, vec![]).map_err(Error::from)), ErrorKind::BadParameter);
}

#[test]
fn damaged_files_give_what_is_whole() {
    let image = sample(100, 70, PixelFormat::Rgb8);
    let bytes = heirloom::encode(&image, &EncodeOptions::default()).unwrap();
    let whole = Decoder::new().decode_partial(&bytes).unwrap();
    assert_eq!((whole.latents, whole.problem.is_none()), (4, true));
    assert_eq!(whole.image, heirloom::decode(&bytes).unwrap());
    let cut = Decoder::new().decode_partial(&bytes[..bytes.len() - 1]).unwrap();
    assert_eq!((cut.latents, cut.image.width()), (3, 100));
    assert_eq!(cut.problem.unwrap().kind(), ErrorKind::CutShort);
}

#[test]
fn the_embedded_model_is_sound() {
    // Unpacking the embedded model skips the check of its ids, so that it is done here.
    let checked = Model::from_bytes(heirloom_default_model::bytes()).unwrap();
    let model = Model::embedded().unwrap();
    assert_eq!((checked.generation_id(), checked.entropy_id()), (model.generation_id(), model.entropy_id()));
}

//! Arguments that no careful caller would pass give errors or empty results, never a panic.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use heirloom_codec::image::ImageError;
use heirloom_codec::internals::reference;
use heirloom_codec::model::{LambdaRange, Metadata, ModelError, ModelFile, Spec, import};
use heirloom_codec::{DecodeError, DecodeOptions, EncodeError, EncodeOptions, Fault, Image, Lossless, Model};
use heirloom_format::container::{Limits, PixelFormat};

fn file() -> ModelFile {
    reference::model(Spec::tiny()).unwrap()
}

fn image() -> Image {
    Image::new(5, 3, PixelFormat::Grey8, vec![77; 15]).unwrap()
}

#[test]
fn sizes_that_no_memory_holds_are_refused_without_any_limit() {
    let model = Model::new(file()).unwrap();
    let mut options = DecodeOptions::default();
    options.limits = Limits::none();
    options.max_memory = u64::MAX;
    // Of version 2: magic, version, sides of 2^32 − 1, RGB of 8 bits in tiles of 4096 × 4096.
    let id = model.metadata().lineage.entropy_id.0;
    let mut bytes = b"\x89HLM\r\n\x1a\n\x02\xff\xff\xff\xff\x0f\xff\xff\xff\xff\x0f\x08\x40\x40\x00".to_vec();
    bytes.extend_from_slice(&99f32.to_le_bytes());
    bytes.extend_from_slice(&id[..8]);
    bytes.extend_from_slice(&[0; 5]);
    let checksum = crc32fast::hash(&bytes[8..]).to_le_bytes();
    bytes.extend_from_slice(&checksum);
    assert_eq!(model.decode(&bytes, &options).unwrap_err().fault(), Fault::CutShort);
    assert_eq!(model.decode_partial(&bytes, &options).unwrap_err().fault(), Fault::OverLimit);
    options.limits = Limits::default();
    assert_eq!(model.decode_partial(&bytes, &options).unwrap_err().fault(), Fault::OverLimit);
    assert_eq!(model.decode_latents(&bytes, &options).unwrap_err().fault(), Fault::OverLimit);
}

/// A header that promises 67 megapixels, and nothing behind it: what can be shown is grey, for which
/// no network runs. Such a file of an earlier version took 27 seconds.
#[test]
fn promises_without_data_cost_nothing() {
    let model = Model::new(file()).unwrap();
    let id = model.metadata().lineage.entropy_id.0;
    let mut bytes = b"\x89HLM\r\n\x1a\n\x02\x80\x40\x80\x40\x08\x20\x20\x04".to_vec();
    bytes.extend_from_slice(&99f32.to_le_bytes());
    bytes.extend_from_slice(&id[..8]);
    bytes.extend_from_slice(&[0; 5]);
    let checksum = crc32fast::hash(&bytes[8..]).to_le_bytes();
    bytes.extend_from_slice(&checksum);
    let mut options = DecodeOptions::default();
    options.scale = heirloom_codec::Scale::Sixteenth;
    let partial = model.decode_partial(&bytes, &options).unwrap();
    assert_eq!((partial.image.width(), partial.image.height()), (512, 512));
    assert!(partial.image.data().iter().all(|&value| value == 128));
    assert_eq!((partial.summary.tiles, partial.summary.damaged_tiles, partial.summary.latents), (25, 25, 0));
    assert_eq!(partial.summary.problem.map(|problem| problem.fault()), Some(Fault::CutShort));
    assert_eq!(model.decode(&bytes, &options).unwrap_err().fault(), Fault::CutShort);
}

#[test]
fn latents_with_an_impossible_header_are_refused() {
    let model = Model::new(file()).unwrap();
    let (_, report) =
        model.encode_with_report(&image(), &EncodeOptions::new(99.0).with_lossless(Lossless::Never)).unwrap();
    let mut latents = report.latents;
    latents.header.width = 0;
    let refused = model.reconstruct(&latents, &DecodeOptions::default()).unwrap_err();
    assert_eq!(refused, DecodeError::Image(ImageError::Empty { width: 0, height: 3 }));
    latents.header.width = 65;
    let refused = model.reconstruct(&latents, &DecodeOptions::default()).unwrap_err();
    assert!(matches!(refused, DecodeError::Latents(error) if error.latent == 1 && error.expected[1] == 2));
    latents.header.width = 5;
    latents.header.lambda = f32::NAN;
    assert!(model.reconstruct(&latents, &DecodeOptions::default()).is_ok(), "λ is clamped");
    latents.tiles[0].as_mut().unwrap()[3].data.clear();
    assert!(model.reconstruct(&latents, &DecodeOptions::default()).is_err());
}

#[test]
fn absurd_specs_and_ranges_are_refused() {
    let mut absurd = Spec::base();
    absurd.encoder_blocks = [usize::MAX; 5];
    absurd.embedding = usize::MAX;
    assert!(absurd.parameters().is_empty() && import::pytorch_parameters(&absurd).is_empty());
    assert!(matches!(import::from_pytorch(&absurd, |_| None), Err(ModelError::Spec(_))));
    assert_eq!(absurd.level_width(usize::MAX), absurd.level_width(3));
    assert!(Spec::scaled(usize::MAX, usize::MAX).validate().is_err());

    let mut altered = file();
    altered.metadata.spec = absurd;
    assert!(matches!(altered.to_bytes(), Err(ModelError::Spec(_))));
    assert!(matches!(Model::new(altered), Err(ModelError::Spec(_))));
    for (low, high) in [(f32::NAN, 1.0), (0.0, 1.0), (2.0, 1.0), (1.0, f32::INFINITY)] {
        let mut altered = file();
        altered.metadata.lambda.encoder = LambdaRange { low, high };
        assert!(matches!(Model::new(altered), Err(ModelError::Metadata(_))), "{low} to {high}");
    }
    assert!(Metadata::from_file_start(&[0xff; 20]).is_err());
}

#[test]
fn no_lambda_beyond_the_range_is_encoded() {
    let model = Model::new(file()).unwrap();
    for lambda in [f32::NAN, f32::INFINITY, -1.0, 0.0, 31.9, 1024.1] {
        let refused = model.encode(&image(), &EncodeOptions::new(lambda)).unwrap_err();
        assert!(matches!(refused, EncodeError::Lambda(_)), "{lambda}");
    }
}

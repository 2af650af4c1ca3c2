//! Generations of one lineage: wider ranges of λ, and what may change between them.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use heirloom_codec::container::{Limits, PixelFormat, parse, write};
use heirloom_codec::model::{LambdaRange, LambdaRanges, ModelError, ModelFile, Spec};
use heirloom_codec::{DecodeOptions, EncodeOptions, Image, Latents, Model, reference};

fn tiny() -> ModelFile {
    let spec = Spec::tiny();
    let weights = reference::weights(&spec).unwrap();
    ModelFile::new(spec, LambdaRanges::all(LambdaRange::PRETRAINING), weights).unwrap()
}

fn picture() -> Image {
    let data = (0..70 * 40 * 3_u32).map(|i| (i * 7 + i / 70) as u8).collect();
    Image::new(70, 40, PixelFormat::Rgb8, data).unwrap()
}

const WIDER: LambdaRange = LambdaRange { low: 4.0, high: 4096.0 };

#[test]
fn wider_ranges_keep_the_lineage_and_its_latents() {
    let parent = tiny();
    let child = parent.widened(WIDER).unwrap();
    assert_eq!(child.metadata.lineage.entropy_id, parent.metadata.lineage.entropy_id);
    assert_eq!(child.metadata.lambda.entropy, LambdaRange::PRETRAINING);
    assert_eq!(ModelFile::from_bytes(&child.to_bytes().unwrap()).unwrap(), child);

    let (old, new) = (Model::new(parent).unwrap(), Model::new(child).unwrap());
    let latents = |model: &Model, bytes: &[u8]| model.decode_latents(bytes, &DecodeOptions::default()).unwrap();
    for (writer, lambda) in [(&old, 32.0), (&old, 200.0), (&old, 1024.0), (&new, 4.0), (&new, 200.0), (&new, 4096.0)] {
        let bytes = writer.encode(&picture(), &EncodeOptions::new(lambda)).unwrap();
        let found = latents(&old, &bytes);
        assert_eq!(found.header.lambda, lambda, "the file says the λ that was asked for");
        assert_eq!(found.hash(), latents(&new, &bytes).hash(), "λ = {lambda}");
        assert!(
            old.decode(&bytes, &DecodeOptions::exact()).is_ok() && new.decode(&bytes, &DecodeOptions::exact()).is_ok()
        );
    }
    assert!(old.encode(&picture(), &EncodeOptions::new(4.0)).is_err(), "the old encoder keeps its range");
}

/// The same coded latents under another λ in the header.
fn with_lambda(bytes: &[u8], lambda: f32) -> Vec<u8> {
    let mut file = parse(bytes, &Limits::none()).unwrap();
    file.header.lambda = lambda;
    write(&file).unwrap()
}

#[test]
fn the_entropy_branch_sees_lambda_clamped_to_its_own_range() {
    let new = Model::new(tiny().widened(WIDER).unwrap()).unwrap();
    let read = |bytes: &[u8]| new.decode_latents(bytes, &DecodeOptions::default());
    for (lambda, end, inside) in [(4096.0, 1024.0, 1000.0), (4.0, 32.0, 33.0)] {
        let bytes = new.encode(&picture(), &EncodeOptions::new(lambda)).unwrap();
        let hash = |found: Latents| found.hash();
        let expected = read(&bytes).map(hash).unwrap();
        assert_eq!(read(&with_lambda(&bytes, end)).map(hash).unwrap(), expected, "λ = {lambda} as {end}");
        // A λ that the branch can tell from the end of its range is another reading of the same bytes.
        assert_ne!(read(&with_lambda(&bytes, inside)).map(hash).ok(), Some(expected), "λ = {lambda} as {inside}");
    }
}

#[test]
fn widening_rescales_the_perceptrons_of_encoder_and_reconstruction_alone() {
    let parent = tiny();
    let child = parent.widened(LambdaRange { low: 4.0, high: 4096.0 }).unwrap();
    for ((name, before), (_, after)) in parent.weights.iter().zip(child.weights.iter()) {
        let factor = match name {
            "encoder.lambda.fc1.weight" | "reconstruction.lambda.fc1.weight" => 0.25, // 1024 / 4096
            "encoder.lambda.fc2.weight" | "reconstruction.lambda.fc2.weight" => 0.125, // 4 / 32
            _ => 1.0,
        };
        assert!(before.data.iter().zip(&after.data).all(|(b, a)| a.to_bits() == (b * factor).to_bits()), "{name}");
    }
    let one_end = parent.widened(LambdaRange { low: 32.0, high: 4096.0 }).unwrap();
    assert_eq!(one_end.weights.get("encoder.lambda.fc2.weight"), parent.weights.get("encoder.lambda.fc2.weight"));

    for refused in [LambdaRange { low: 64.0, high: 4096.0 }, LambdaRange { low: 4.0, high: 1000.0 }] {
        let error = parent.widened(refused).unwrap_err();
        assert!(matches!(&error, ModelError::Metadata(why) if why.contains("32 to 1024")), "{error}");
    }
    assert!(parent.widened(LambdaRange { low: 0.0, high: 4096.0 }).is_err());
}

//! Model files: round trips, and refusals that name the defect.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::collections::HashMap;

use heirloom_codec::image::PixelFormat;
use heirloom_codec::internals::reference;
use heirloom_codec::model::{
    GenerationId, LambdaRange, LambdaRanges, METADATA_KEY, Metadata, ModelError, ModelFile, QuantisedTensor,
    QuantisedWeights, Spec, Values,
};
use heirloom_codec::{DecodeOptions, EncodeError, EncodeOptions, Image, Lossless, Model};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

fn tiny() -> ModelFile {
    reference::model(Spec::tiny()).unwrap()
}

/// Writes tensors and metadata without checks.
fn write(metadata: &str, weights: &QuantisedWeights) -> Vec<u8> {
    let bytes: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = weights
        .iter()
        .map(|(name, tensor)| {
            let (dtype, bytes) = match &tensor.values {
                Values::Floats(values) => (Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect()),
                Values::Integers(values) => (Dtype::I8, values.iter().map(|value| value.cast_unsigned()).collect()),
            };
            (name.to_owned(), dtype, tensor.shape.clone(), bytes)
        })
        .collect();
    let views = bytes
        .iter()
        .map(|(name, dtype, shape, bytes)| (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    let header = HashMap::from([(METADATA_KEY.to_owned(), metadata.to_owned())]);
    safetensors::serialize(views, Some(header)).unwrap()
}

/// The weights without one tensor.
fn without(weights: &QuantisedWeights, name: &str) -> QuantisedWeights {
    let mut fewer = QuantisedWeights::default();
    for (other, tensor) in weights.iter().filter(|(other, _)| *other != name) {
        fewer.insert(other.to_owned(), tensor.clone());
    }
    fewer
}

/// Changes one float.
fn set(weights: &mut QuantisedWeights, name: &str, index: usize, change: impl Fn(f32) -> f32) {
    let values = weights.floats_mut(name).unwrap();
    values[index] = change(values[index]);
}

fn refusal(metadata: &Metadata, weights: &QuantisedWeights) -> ModelError {
    ModelFile::from_bytes(&write(&serde_json::to_string(metadata).unwrap(), weights)).unwrap_err()
}

#[test]
fn a_model_survives_writing_and_reading() {
    let mut model = tiny();
    model.metadata.preview = true;
    model.metadata.licence = "CC0-1.0".to_owned();
    model.metadata.provenance.steps = Some(12);
    model.metadata.provenance.notes.insert("why".to_owned(), "test".to_owned());
    let bytes = model.to_bytes().unwrap();
    assert_eq!(ModelFile::from_bytes(&bytes).unwrap(), model);
    assert_eq!(bytes, model.to_bytes().unwrap(), "writing is deterministic");
}

#[test]
fn a_child_keeps_the_entropy_branch() {
    let parent = tiny();
    let mut weights = parent.weights.clone();
    set(&mut weights, "reconstruction.start", 0, |value| value + 1.0);
    let wider = LambdaRange { low: 32.0, high: 4096.0 };
    let lambda = LambdaRanges { encoder: wider, reconstruction: wider, ..parent.metadata.lambda };
    let child = parent.child(lambda, weights.clone()).unwrap();
    assert_eq!(child.metadata.lineage.entropy_id, parent.metadata.lineage.entropy_id);
    assert_ne!(child.metadata.lineage.generation_id, parent.metadata.lineage.generation_id);
    assert_eq!(child.metadata.lineage.parent, Some(parent.metadata.lineage.generation_id));
    assert_eq!(child.metadata.lineage.generation, 1);
    assert_eq!(ModelFile::from_bytes(&child.to_bytes().unwrap()).unwrap(), child);

    let refused = parent.child(LambdaRanges::all(wider), weights.clone()).unwrap_err();
    assert!(matches!(refused, ModelError::Identity { which: "entropy", .. }));
    set(&mut weights, "entropy.z2.prior.bias", 3, |value| f32::from_bits(value.to_bits() ^ 1));
    let refused = parent.child(lambda, weights).unwrap_err();
    assert!(matches!(refused, ModelError::Identity { which: "entropy", .. }));
}

#[test]
fn a_model_without_its_encoder_has_the_same_ids_and_decodes() {
    let whole = tiny();
    let half = whole.without_encoder();
    let bytes = half.to_bytes().unwrap();
    assert!(bytes.len() < whole.to_bytes().unwrap().len() * 3 / 4);
    assert_eq!(ModelFile::from_bytes(&bytes).unwrap(), half);
    assert_eq!(half.metadata.lineage, whole.metadata.lineage);
    assert_eq!(half.without_encoder(), half);

    // The encoder may also be there and left unread.
    let part = ModelFile::decoder_from_bytes_without_ids(&whole.to_bytes().unwrap()).unwrap();
    assert_eq!((&part.metadata, &part.weights), (&whole.metadata, &half.weights));
    assert!(matches!(part.to_bytes(), Err(ModelError::Missing(name)) if name.starts_with("encoder.")));

    let (whole, half) = (Model::new(whole).unwrap(), Model::new(half).unwrap());
    let image = Image::new(70, 50, PixelFormat::Rgb8, (0..70 * 50 * 3).map(|i| (i % 251) as u8).collect()).unwrap();
    let options = EncodeOptions::new(100.0).with_lossless(Lossless::Never);
    let file = whole.encode(&image, &options).unwrap();
    let decode = |model: &Model| model.decode(&file, &DecodeOptions::default()).unwrap();
    assert_eq!(decode(&half), decode(&whole));
    assert_eq!(decode(&Model::new(part).unwrap()), decode(&whole));
    assert_eq!(half.encode(&image, &options), Err(EncodeError::NoEncoder));

    // The hash of the encoder is part of the generation id.
    let mut forged = ModelFile::from_bytes(&bytes).unwrap();
    forged.metadata.without_encoder.as_mut().unwrap().0[0] ^= 1;
    assert!(matches!(forged.to_bytes(), Err(ModelError::Identity { which: "generation", .. })));
    let refused = refusal(&tiny().without_encoder().metadata, &tiny().weights);
    assert!(matches!(refused, ModelError::Extra(name) if name.starts_with("encoder.")));
}

#[test]
fn every_inconsistency_is_named() {
    let ModelFile { metadata, weights } = tiny();

    let fewer = without(&weights, "encoder.z3.mix.bias");
    assert_eq!(refusal(&metadata, &fewer), ModelError::Missing("encoder.z3.mix.bias".to_owned()));

    let mut more = weights.clone();
    more.insert("colour".to_owned(), QuantisedTensor { shape: vec![1], values: Values::Floats(vec![1.0]) });
    assert_eq!(refusal(&metadata, &more), ModelError::Extra("colour".to_owned()));

    let mut turned = weights.clone();
    turned.get_mut("encoder.z4.mix.weight").unwrap().shape.reverse();
    assert!(matches!(refusal(&metadata, &turned), ModelError::Shape { name, .. } if name == "encoder.z4.mix.weight"));

    let mut broken = weights.clone();
    set(&mut broken, "reconstruction.start", 5, |_| f32::NAN);
    let expected = ModelError::NotFinite { name: "reconstruction.start".to_owned(), index: 5 };
    assert_eq!(refusal(&metadata, &broken), expected);

    let mut typed = weights.clone();
    typed.get_mut("encoder.z1.mix.weight").unwrap().values = Values::Floats(vec![0.0; 32 * 16]);
    assert!(matches!(refusal(&metadata, &typed), ModelError::Type { name, .. } if name == "encoder.z1.mix.weight"));

    // Limits and multipliers that no input has, and sums beyond 32 bits.
    let input = "entropy.z4.latent.input";
    for (index, value) in [(0, 0.0), (0, -1.0), (1, 128.0), (1, f32::INFINITY)] {
        let mut unusable = weights.clone();
        set(&mut unusable, input, index, |_| value);
        let refused = refusal(&metadata, &unusable);
        let named =
            matches!(&refused, ModelError::Unusable { name, .. } | ModelError::NotFinite { name, .. } if name == input);
        assert!(named, "{value}: {refused}");
    }

    let mut other = metadata.clone();
    other.lineage.generation_id = GenerationId([7; 32]);
    assert!(matches!(refusal(&other, &weights), ModelError::Identity { which: "generation", .. }));
    let mut other = metadata.clone();
    other.lineage.entropy_id.0[0] ^= 1;
    assert!(matches!(refusal(&other, &weights), ModelError::Identity { which: "entropy", .. }));
    let mut other = metadata.clone();
    other.format_version = 3;
    assert!(matches!(refusal(&other, &weights), ModelError::Version { found: 3, .. }));
    let mut other = metadata.clone();
    other.lineage.generation = 3;
    assert!(matches!(refusal(&other, &weights), ModelError::Metadata(_)));
    let mut other = metadata.clone();
    other.lambda.encoder = LambdaRange { low: 9.0, high: 2.0 };
    assert!(matches!(refusal(&other, &weights), ModelError::Metadata(_)));
    let mut other = metadata.clone();
    other.spec.widths[0] = 1 << 40;
    assert!(matches!(refusal(&other, &weights), ModelError::Spec(_)));

    assert!(matches!(ModelFile::from_bytes(&write("{}", &weights)), Err(ModelError::Metadata(_))));
    assert!(matches!(ModelFile::from_bytes(b"not a model"), Err(ModelError::NotAModel(_))));
    assert!(matches!(ModelFile::from_bytes(&[]), Err(ModelError::NotAModel(_))));
}

#[test]
fn cut_and_altered_files_are_refused() {
    let bytes = tiny().to_bytes().unwrap();
    for length in (0..bytes.len()).step_by(997) {
        assert!(ModelFile::from_bytes(&bytes[..length]).is_err(), "cut to {length} bytes");
    }
    // Every byte matters to an id, a name or a weight, except the padding of the header.
    let header = SafeTensors::read_metadata(&bytes).unwrap().0;
    for position in (header + 8..bytes.len()).step_by(9973) {
        let mut altered = bytes.clone();
        altered[position] ^= 4;
        assert!(ModelFile::from_bytes(&altered).is_err(), "byte {position} altered");
    }
    for position in (0..header).step_by(101) {
        let mut altered = bytes.clone();
        altered[position] ^= 4;
        let _ = ModelFile::from_bytes(&altered); // no panic; free text may change unnoticed
    }
}

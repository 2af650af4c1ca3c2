//! Model files: round trips, and refusals that name the defect.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::collections::HashMap;

use heirloom_codec::internals::reference;
use heirloom_codec::model::{
    GenerationId, LambdaRange, LambdaRanges, METADATA_KEY, Metadata, ModelError, ModelFile, Spec, Tensor, Weights,
};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

fn tiny() -> ModelFile {
    let spec = Spec::tiny();
    let weights = reference::weights(&spec).unwrap();
    ModelFile::new(spec, LambdaRanges::all(LambdaRange::PRETRAINING), weights).unwrap()
}

/// Writes tensors and metadata without checks.
fn write(metadata: &str, weights: &Weights) -> Vec<u8> {
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = weights
        .iter()
        .map(|(name, tensor)| {
            let bytes = tensor.data.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name.to_owned(), tensor.shape.clone(), bytes)
        })
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, bytes)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    let header = HashMap::from([(METADATA_KEY.to_owned(), metadata.to_owned())]);
    safetensors::serialize(views, Some(header)).unwrap()
}

fn refusal(metadata: &Metadata, weights: &Weights) -> ModelError {
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
fn rounding_halves_the_file_and_makes_another_model() {
    let model = tiny();
    let rounded =
        ModelFile::new(model.metadata.spec.clone(), model.metadata.lambda, model.weights.rounded_to_bf16()).unwrap();
    assert_ne!(rounded.metadata.lineage.entropy_id, model.metadata.lineage.entropy_id);
    let (large, small) = (model.to_bytes().unwrap(), rounded.to_bytes().unwrap());
    let data = |bytes: &[u8]| bytes.len() - 8 - SafeTensors::read_metadata(bytes).unwrap().0;
    assert_eq!(data(&large), 2 * data(&small));
    assert_eq!(ModelFile::from_bytes(&small).unwrap(), rounded);
    assert_eq!(rounded.weights.rounded_to_bf16(), rounded.weights);
}

#[test]
fn a_child_keeps_the_entropy_branch() {
    let parent = tiny();
    let mut weights = parent.weights.clone();
    let mut start = weights.get("reconstruction.start").unwrap().clone();
    start.data[0] += 1.0;
    weights.insert("reconstruction.start".to_owned(), start);
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
    let mut bias = weights.get("entropy.z2.prior.bias").unwrap().clone();
    bias.data[3] += 1e-6;
    weights.insert("entropy.z2.prior.bias".to_owned(), bias);
    let refused = parent.child(lambda, weights).unwrap_err();
    assert!(matches!(refused, ModelError::Identity { which: "entropy", .. }));
}

#[test]
fn every_inconsistency_is_named() {
    let ModelFile { metadata, weights } = tiny();

    let mut fewer = weights.clone();
    fewer.remove("encoder.z3.mix.bias").unwrap();
    assert_eq!(refusal(&metadata, &fewer), ModelError::Missing("encoder.z3.mix.bias".to_owned()));

    let mut more = weights.clone();
    more.insert("colour".to_owned(), Tensor { shape: vec![1], data: vec![1.0] });
    assert_eq!(refusal(&metadata, &more), ModelError::Extra("colour".to_owned()));

    let mut turned = weights.clone();
    let tensor = turned.remove("encoder.z4.mix.weight").unwrap();
    let shape = vec![tensor.shape[1], tensor.shape[0]];
    turned.insert("encoder.z4.mix.weight".to_owned(), Tensor { shape, data: tensor.data });
    assert!(matches!(refusal(&metadata, &turned), ModelError::Shape { name, .. } if name == "encoder.z4.mix.weight"));

    let mut broken = weights.clone();
    let mut tensor = broken.remove("reconstruction.start").unwrap();
    tensor.data[5] = f32::NAN;
    broken.insert("reconstruction.start".to_owned(), tensor);
    let expected = ModelError::NotFinite { name: "reconstruction.start".to_owned(), index: 5 };
    assert_eq!(refusal(&metadata, &broken), expected);

    let mut other = metadata.clone();
    other.lineage.generation_id = GenerationId([7; 32]);
    assert!(matches!(refusal(&other, &weights), ModelError::Identity { which: "generation", .. }));
    let mut other = metadata.clone();
    other.lineage.entropy_id.0[0] ^= 1;
    assert!(matches!(refusal(&other, &weights), ModelError::Identity { which: "entropy", .. }));
    let mut other = metadata.clone();
    other.format_version = 2;
    assert!(matches!(refusal(&other, &weights), ModelError::Version { found: 2, .. }));
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

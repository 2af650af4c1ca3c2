//! Generations of one lineage: wider ranges of λ, and what may change between them.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::collections::BTreeMap;

use heirloom_codec::internals::reference;
use heirloom_codec::model::{
    Branch, EntropyDifference, LambdaRange, LambdaRanges, Metadata, ModelError, ModelFile, Proof, ProofPoint, Record,
    Spec, Weights,
};
use heirloom_codec::{DecodeOptions, EncodeOptions, Image, Latents, Lossless, Model};
use heirloom_format::container::{Limits, PixelFormat, parse, write};

/// The network alone, which here is far from serving images well.
fn network_only(lambda: f32) -> EncodeOptions {
    EncodeOptions::new(lambda).with_lossless(Lossless::Never)
}

fn tiny() -> ModelFile {
    let spec = Spec::tiny();
    let weights = reference::weights(&spec).unwrap();
    ModelFile::new(spec, LambdaRanges::all(LambdaRange::PRETRAINING), weights).unwrap()
}

fn image() -> Image {
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
        let bytes = writer.encode(&image(), &network_only(lambda)).unwrap();
        let found = latents(&old, &bytes);
        assert_eq!(found.header.lambda, lambda, "the file states the λ of the options");
        assert_eq!(found.hash(), latents(&new, &bytes).hash(), "λ = {lambda}");
        assert!(
            old.decode(&bytes, &DecodeOptions::exact()).is_ok() && new.decode(&bytes, &DecodeOptions::exact()).is_ok()
        );
    }
    assert!(old.encode(&image(), &network_only(4.0)).is_err(), "the old encoder keeps its range");
}

/// The same coded latents with another λ in the header.
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
        let bytes = new.encode(&image(), &network_only(lambda)).unwrap();
        let hash = |found: Latents| found.hash();
        let expected = read(&bytes).map(hash).unwrap();
        assert_eq!(read(&with_lambda(&bytes, end)).map(hash).unwrap(), expected, "λ = {lambda} as {end}");
        // Within the range, another λ reads other latents from the same bytes.
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

/// Adds `by` to one value of a tensor.
fn nudge(weights: &mut Weights, name: &str, index: usize, by: f32) {
    let mut tensor = weights.get(name).unwrap().clone();
    tensor.data[index] += by;
    weights.insert(name.to_owned(), tensor);
}

#[test]
fn differences_of_entropy_branches_are_named() {
    let old = tiny();
    assert_eq!(old.entropy_difference(&old.widened(WIDER).unwrap()), None);

    let mut new = old.clone();
    nudge(&mut new.weights, "entropy.z2.prior.bias", 3, 1.0);
    nudge(&mut new.weights, "entropy.z2.prior.bias", 4, 1.0);
    nudge(&mut new.weights, "entropy.z4.latent.bias", 0, 1.0);
    nudge(&mut new.weights, "reconstruction.start", 0, 1.0);
    let total = old.weights.branch(Branch::Entropy).count();
    match old.entropy_difference(&new) {
        Some(EntropyDifference::Tensors { name, index, values, tensors, of_tensors, old, new }) => {
            assert_eq!((name.as_str(), index, values, tensors, of_tensors), ("entropy.z2.prior.bias", 3, 3, 2, total));
            assert_eq!(new, old + 1.0);
        }
        other => panic!("{other:?}"),
    }

    let ranges = LambdaRanges { entropy: WIDER, ..old.metadata.lambda };
    let new = ModelFile::new(old.metadata.spec.clone(), ranges, old.weights.clone()).unwrap();
    assert_eq!(
        old.entropy_difference(&new),
        Some(EntropyDifference::Range { old: LambdaRange::PRETRAINING, new: WIDER })
    );

    let spec = Spec { latents: [16, 16, 32, 8], tail_blocks: 3, ..Spec::tiny() };
    let weights = reference::weights(&spec).unwrap();
    let new = ModelFile::new(spec, old.metadata.lambda, weights).unwrap();
    let text = old.entropy_difference(&new).unwrap().to_string();
    assert!(text.contains("latents") && text.contains("[16, 16, 32, 8]"), "{text}");
}

#[test]
fn altered_files_can_be_read_to_tell_what_was_altered() {
    let old = tiny();
    let mut bytes = old.to_bytes().unwrap();
    let start = bytes.len() - 4; // the last tensor by name is one of the reconstruction branch
    bytes[start] ^= 1;
    assert!(matches!(ModelFile::from_bytes(&bytes), Err(ModelError::Identity { which: "generation", .. })));
    let altered = ModelFile::from_bytes_without_ids(&bytes).unwrap();
    assert_eq!(old.entropy_difference(&altered), None);
    assert!(altered.check_ids().is_err());
}

#[test]
fn metadata_is_read_from_the_start_of_a_file() {
    let mut model = tiny();
    model.metadata.record = Some(Record {
        program: "test".to_owned(),
        proofs: vec![Proof {
            generation: 0,
            generation_id: model.metadata.lineage.generation_id,
            dataset: "set".to_owned(),
            images: 1,
            images_hash: "00".to_owned(),
            latents_hash: "01".to_owned(),
            tolerance_db: 0.05,
            points: vec![ProofPoint {
                lambda: 32.0,
                psnr_old: Some(30.125),
                psnr_new: None,
                difference: None,
                worst: Some(-0.25),
                worst_image: "a.png".to_owned(),
                unknown: BTreeMap::new(),
            }],
            bd_rate: Some(-3.5),
            unknown: BTreeMap::from([("lpips".to_owned(), serde_json::json!([0.5, null]))]),
        }],
        unknown: BTreeMap::new(),
    });
    model.metadata.provenance.unknown.insert("machine".to_owned(), "of tomorrow".into());
    let bytes = model.to_bytes().unwrap();
    let needed = Metadata::bytes_needed(&bytes[..8]).unwrap();
    assert!(needed < bytes.len());
    assert_eq!(Metadata::from_file_start(&bytes[..needed]).unwrap(), model.metadata);
    assert_eq!(ModelFile::from_bytes(&bytes).unwrap(), model);
    for length in [0, 7, 8, needed - 1] {
        assert!(Metadata::from_file_start(&bytes[..length]).is_err(), "{length} bytes");
    }
    assert!(Metadata::bytes_needed(&[0xff; 8]).is_err());
}

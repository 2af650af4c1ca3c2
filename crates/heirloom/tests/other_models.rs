//! Models that are given by the caller, without any embedded one.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use heirloom::{Decoder, Encoder, ErrorKind, Image, Lossless, Model, PixelFormat};
use heirloom_codec::internals::reference;
use heirloom_codec::model::{LambdaRange, LambdaRanges, ModelFile, Spec};

/// A tiny model and a child of it, with one more λ range.
fn lineage() -> [Model; 2] {
    let spec = Spec::tiny();
    let range = LambdaRange::PRETRAINING;
    let parent = ModelFile::new(spec.clone(), LambdaRanges::all(range), reference::weights(&spec).unwrap()).unwrap();
    let child = parent.widened(LambdaRange { low: 4.0, high: 4096.0 }).unwrap();
    [parent, child].map(|file| Model::from_bytes(&file.to_bytes().unwrap()).unwrap())
}

/// A tiny model of another lineage.
fn stranger() -> Model {
    let spec = Spec::tiny();
    let ranges = LambdaRanges::all(LambdaRange { low: 1.0, high: 2.0 });
    let file = ModelFile::new(spec.clone(), ranges, reference::weights(&spec).unwrap()).unwrap();
    Model::from_bytes(&file.to_bytes().unwrap()).unwrap()
}

fn image() -> Image {
    Image::new(30, 20, PixelFormat::Rgb8, (0..1800).map(|i| (i * 7 % 251) as u8).collect()).unwrap()
}

/// These networks serve no image well, so that every tile would be stored without loss.
fn network_only(model: Model) -> Encoder {
    Encoder::with_model(model).lossless(Lossless::Never)
}

#[test]
fn newer_generations_decode_older_files() {
    let [parent, child] = lineage();
    assert_eq!((parent.generation(), child.generation()), (0, 1));
    assert_eq!(parent.entropy_id(), child.entropy_id());
    let bytes = network_only(parent.clone()).lambda(64.0).encode(&image()).unwrap();
    let info = heirloom::info(&bytes).unwrap();
    assert!(parent.wrote(&info) && child.decodes(&info) && !child.wrote(&info));

    let by_child = Decoder::with_model(child.clone()).decode(&bytes).unwrap();
    let by_parent = Decoder::with_model(parent.clone()).decode(&bytes).unwrap();
    assert_ne!(by_child, by_parent);
    // Of several models the newest decodes; exact decoding takes the one that wrote the file.
    let both = Decoder::with_model(parent.clone()).model(child.clone());
    assert_eq!(both.decode(&bytes).unwrap(), by_child);
    let exact = Decoder::with_model(parent).exact(true).decode(&bytes).unwrap();
    assert_eq!(both.exact(true).decode(&bytes).unwrap(), exact);

    let error = Decoder::with_model(child).exact(true).decode(&bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownModel);
    assert!(error.to_string().contains("generation 0"), "{error}");
}

#[test]
fn files_of_another_lineage_name_the_model_they_need() {
    let [parent, _] = lineage();
    let bytes = network_only(parent.clone()).encode(&image()).unwrap();
    let error = Decoder::with_model(stranger()).decode(&bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownModel);
    let id: String = parent.entropy_id()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(error.to_string().contains(&id), "{error}");
    assert!(Decoder::with_model(stranger()).model(parent).decode(&bytes).is_ok());
}

#[test]
fn altered_models_are_refused() {
    let spec = Spec::tiny();
    let ranges = LambdaRanges::all(LambdaRange::PRETRAINING);
    let file = ModelFile::new(spec.clone(), ranges, reference::weights(&spec).unwrap()).unwrap();
    let mut bytes = file.to_bytes().unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let error = Model::from_bytes(&bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadModel);
    assert!(error.to_string().contains("altered"), "{error}");
}

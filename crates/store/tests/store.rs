//! Models are found by what their files say, whatever these are called; and the chain of
//! generations.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::fs;
use std::path::{Path, PathBuf};

use heirloom_codec::internals::reference;
use heirloom_codec::model::{GenerationId, ModelFile, Spec};
use heirloom_store::{ModelRef, Store, StoreError, StoredModel, ancestors, file_name};

/// A model of the tiny shape with weights by formula.
fn first() -> ModelFile {
    reference::model(Spec::tiny()).unwrap()
}

/// The next generation: `by` added to one weight of the reconstruction.
fn child(parent: &ModelFile, by: f32) -> ModelFile {
    let mut weights = parent.weights.clone();
    weights.floats_mut("reconstruction.image.bias").unwrap()[0] += by;
    parent.child(parent.metadata.lambda, weights).unwrap()
}

/// Nothing else checks these ids: programs use this model without hashing it.
#[test]
fn the_default_model_has_the_ids_it_claims() {
    let model = StoredModel::embedded().unwrap();
    assert_eq!(model.load().unwrap().metadata.lineage, *model.lineage());
    assert_eq!(model.model().unwrap().metadata().lineage, *model.lineage());
}

fn id(file: &ModelFile) -> GenerationId {
    file.metadata.lineage.generation_id
}

fn ids(models: &[StoredModel]) -> Vec<GenerationId> {
    models.iter().map(|model| model.lineage().generation_id).collect()
}

fn reference(text: &str) -> ModelRef {
    text.parse().unwrap()
}

fn put(folder: &Path, name: &str, file: &ModelFile) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, file.to_bytes().unwrap()).unwrap();
    path
}

#[test]
fn models_are_found_by_what_they_say_inside() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (first(), child(&first(), 0.5));
    put(folder.path(), "b/any.safetensors", &two);
    put(folder.path(), "a.safetensors", &one);
    put(folder.path(), "b/deep/er.safetensors", &one); // too deep to be found
    put(folder.path(), "other.txt", &one);
    fs::write(folder.path().join("bad.safetensors"), b"no model").unwrap();
    fs::create_dir(folder.path().join("folder.safetensors")).unwrap();

    let store = Store::open(Some(folder.path())).unwrap();
    let embedded = StoredModel::embedded().unwrap();
    assert_eq!(ids(&store.models), [embedded.lineage().generation_id, id(&one), id(&two)]);
    assert_eq!(store.models[2].load().unwrap(), two);
    let bad: Vec<String> = store.unreadable.iter().map(ToString::to_string).collect();
    assert!(bad.len() == 1 && bad[0].contains("bad.safetensors: this is not a model file"), "{bad:?}");

    let found = |what: &str| store.find(&ModelRef::from(Path::new(what))).map(|model| model.lineage().generation_id);
    assert_eq!(found("Default").unwrap(), embedded.lineage().generation_id);
    assert_eq!(found(&id(&two).to_string().to_uppercase()[..8]).unwrap(), id(&two));
    let inside = folder.path().join("b/any.safetensors");
    assert_eq!(store.find(&ModelRef::from(inside.as_path())).unwrap().load().unwrap(), two);
    let short = id(&two).to_string()[..7].to_owned();
    assert!(matches!(found(&short), Err(StoreError::File { .. })), "seven digits are a file's name");
    assert!(matches!(found("0000000000"), Err(StoreError::Unknown { .. })));
}

#[test]
fn an_id_names_one_model_however_often_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (first(), child(&first(), 0.5));
    put(folder.path(), "one.safetensors", &one);
    put(folder.path(), "copy.safetensors", &one);
    // A file may claim any id: the weights are not checked yet.
    let alike = format!("{}{}", &id(&one).to_string()[..16], &id(&two).to_string()[16..]);
    let mut bytes = two.to_bytes().unwrap();
    let at = bytes.windows(64).position(|window| window == id(&two).to_string().as_bytes()).unwrap();
    bytes[at..at + 64].copy_from_slice(alike.as_bytes());
    fs::write(folder.path().join("alike.safetensors"), bytes).unwrap();

    let store = Store::open(Some(folder.path())).unwrap();
    let digits = id(&one).to_string();
    assert_eq!(store.find(&reference(&digits)).unwrap().lineage().generation_id, id(&one));
    let error = store.find(&reference(&digits[..16])).unwrap_err();
    assert!(matches!(error, StoreError::Ambiguous { .. }), "{error}");
    let liar = store.find(&reference(&alike)).unwrap();
    assert!(liar.load().unwrap_err().to_string().contains("alike.safetensors: the model states the generation id"));
}

#[test]
fn a_given_folder_must_be_there_to_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = Store::open(Some(&missing)).unwrap_err();
    assert!(matches!(error, StoreError::Folder { .. }), "{error}");
    let store = Store::open_or_empty(Some(&missing)).unwrap();
    assert_eq!((store.models.len(), store.folder), (1, Some(missing)));
    let file = put(folder.path(), "file", &first());
    assert!(Store::open_or_empty(Some(&file)).is_err(), "a file is no folder");
}

#[test]
fn ancestors_end_at_the_first_that_is_missing_and_where_a_circle_closes() {
    let folder = tempfile::tempdir().unwrap();
    let one = first();
    let two = child(&one, 0.5);
    let three = child(&two, 0.5);
    let stored = |file: &ModelFile| {
        let path = put(folder.path(), &file_name(&file.metadata.lineage), file);
        StoredModel::open(&path).unwrap()
    };
    let chain = |models: &[StoredModel]| {
        let (found, missing) = ancestors(&three.metadata.lineage, models);
        (found.iter().map(|model| model.lineage().generation_id).collect::<Vec<_>>(), missing)
    };
    assert_eq!(chain(&[stored(&one), stored(&three), stored(&two)]), (vec![id(&two), id(&one)], None));
    assert_eq!(chain(&[stored(&two)]), (vec![id(&two)], Some(id(&one))));
    assert_eq!(chain(&[stored(&one)]), (vec![], Some(id(&two))));
    let mut liar = two.clone();
    liar.metadata.lineage.parent = Some(id(&three));
    assert_eq!(chain(&[stored(&liar), stored(&three)]), (vec![id(&two)], Some(id(&three))));
    liar.metadata.lineage.parent = Some(id(&two));
    assert_eq!(chain(&[stored(&liar)]), (vec![id(&two)], Some(id(&two))));
}

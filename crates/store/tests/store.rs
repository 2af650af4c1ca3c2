//! What is found in a store: models by what they say inside, whatever the files are called; and the chain of generations.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::fs;
use std::path::{Path, PathBuf};

use heirloom_codec::model::{GenerationId, LambdaRange, LambdaRanges, ModelFile, Spec, Weights};
use heirloom_codec::internals::reference;
use heirloom_store::{Member, Store, StoreError, ancestors, file_name};

/// A model of the tiny shape with weights by formula.
fn first() -> ModelFile {
    let weights = reference::weights(&Spec::tiny()).unwrap();
    ModelFile::new(Spec::tiny(), LambdaRanges::all(LambdaRange::PRETRAINING), weights).unwrap()
}

/// The next generation: `by` added to one weight of the reconstruction.
fn child(parent: &ModelFile, by: f32) -> ModelFile {
    let mut weights: Weights = parent.weights.clone();
    let mut tensor = weights.get("reconstruction.image.bias").unwrap().clone();
    tensor.data[0] += by;
    weights.insert("reconstruction.image.bias".into(), tensor);
    parent.child(parent.metadata.lambda, weights).unwrap()
}

/// Nothing else checks these ids: programs start with this model unhashed.
#[test]
fn the_model_in_the_program_is_what_it_says() {
    let member = Member::embedded().unwrap();
    assert_eq!(member.load().unwrap().metadata.lineage, *member.lineage());
    assert_eq!(member.model().unwrap().metadata().lineage, *member.lineage());
}

fn id(file: &ModelFile) -> GenerationId {
    file.metadata.lineage.generation_id
}

fn ids(members: &[Member]) -> Vec<GenerationId> {
    members.iter().map(|member| member.lineage().generation_id).collect()
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
    put(folder.path(), "b/deep/er.safetensors", &one); // only one folder deep
    put(folder.path(), "other.txt", &one);
    fs::write(folder.path().join("bad.safetensors"), b"no model").unwrap();
    fs::create_dir(folder.path().join("folder.safetensors")).unwrap();

    let store = Store::open(Some(folder.path())).unwrap();
    let embedded = Member::embedded().unwrap();
    assert_eq!(ids(&store.members), [embedded.lineage().generation_id, id(&one), id(&two)]);
    assert_eq!(store.members[2].load().unwrap(), two);
    let bad: Vec<String> = store.unreadable.iter().map(ToString::to_string).collect();
    assert!(bad.len() == 1 && bad[0].contains("bad.safetensors: this is not a model file"), "{bad:?}");

    let found = |what: &str| store.find(Path::new(what)).map(|member| member.lineage().generation_id);
    assert_eq!(found("Default").unwrap(), embedded.lineage().generation_id);
    assert_eq!(found(&id(&two).to_string().to_uppercase()[..8]).unwrap(), id(&two));
    let inside = folder.path().join("b/any.safetensors");
    assert_eq!(store.find(&inside).unwrap().load().unwrap(), two);
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
    // A file may say any id: the weights are not looked at.
    let alike = format!("{}{}", &id(&one).to_string()[..16], &id(&two).to_string()[16..]);
    let mut bytes = two.to_bytes().unwrap();
    let at = bytes.windows(64).position(|window| window == id(&two).to_string().as_bytes()).unwrap();
    bytes[at..at + 64].copy_from_slice(alike.as_bytes());
    fs::write(folder.path().join("alike.safetensors"), bytes).unwrap();

    let store = Store::open(Some(folder.path())).unwrap();
    let digits = id(&one).to_string();
    assert_eq!(store.find(Path::new(&digits)).unwrap().lineage().generation_id, id(&one));
    let error = store.find(Path::new(&digits[..16])).unwrap_err();
    assert!(matches!(error, StoreError::Ambiguous { .. }), "{error}");
    let liar = store.find(Path::new(&alike)).unwrap();
    assert!(liar.load().unwrap_err().to_string().contains("alike.safetensors: the model states the generation id"));
}

#[test]
fn a_given_folder_must_be_there_to_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = Store::open(Some(&missing)).unwrap_err();
    assert!(matches!(error, StoreError::Folder { .. }), "{error}");
    let store = Store::open_or_empty(Some(&missing)).unwrap();
    assert_eq!((store.members.len(), store.folder), (1, Some(missing)));
    let file = put(folder.path(), "file", &first());
    assert!(Store::open_or_empty(Some(&file)).is_err(), "a file is no folder");
}

#[test]
fn ancestors_end_at_the_first_that_is_missing_and_where_a_circle_closes() {
    let folder = tempfile::tempdir().unwrap();
    let one = first();
    let two = child(&one, 0.5);
    let three = child(&two, 0.5);
    let member = |file: &ModelFile| {
        let path = put(folder.path(), &file_name(&file.metadata.lineage), file);
        Member::of_file(&path).unwrap()
    };
    let chain = |members: &[Member]| {
        let (found, missing) = ancestors(&three.metadata.lineage, members);
        (found.iter().map(|member| member.lineage().generation_id).collect::<Vec<_>>(), missing)
    };
    assert_eq!(chain(&[member(&one), member(&three), member(&two)]), (vec![id(&two), id(&one)], None));
    assert_eq!(chain(&[member(&two)]), (vec![id(&two)], Some(id(&one))));
    assert_eq!(chain(&[member(&one)]), (vec![], Some(id(&two))));
    let mut liar = two.clone();
    liar.metadata.lineage.parent = Some(id(&three));
    assert_eq!(chain(&[member(&liar), member(&three)]), (vec![id(&two)], Some(id(&three))));
    liar.metadata.lineage.parent = Some(id(&two));
    assert_eq!(chain(&[member(&liar)]), (vec![id(&two)], Some(id(&two))));
}

//! Add-ons of the entropy branch: other heads for new files, while old ones decode as before.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use heirloom_codec::image::PixelFormat;
use heirloom_codec::internals::reference;
use heirloom_codec::model::{EntropyDifference, MAX_ADD_ONS, ModelError, ModelFile, QuantisedWeights, Spec, Values};
use heirloom_codec::{AddOns, DecodeOptions, EncodeOptions, Fault, Image, Lossless, Model};
use heirloom_format::container::{Limits, parse};

#[allow(dead_code)] // other tests use the other kinds
mod images;

const LAMBDA: f32 = 100.0;

/// A generation 0 with all options.
fn parent() -> ModelFile {
    let latents = [16, 16, 32, 16];
    let spec = Spec { latents, learned_steps: true, context: [0, 0, 16, 16], ..Spec::tiny() };
    reference::model(spec).unwrap()
}

/// Other heads than those of `weights`.
fn other_heads(weights: &QuantisedWeights, by: f32) -> QuantisedWeights {
    let mut out = weights.clone();
    for level in 1..=4 {
        let name = format!("entropy.z{level}");
        out.floats_mut(&format!("{name}.prior.bias")).unwrap().iter_mut().for_each(|value| *value += by);
        out.floats_mut(&format!("{name}.step")).unwrap().iter_mut().for_each(|value| *value -= by);
    }
    out.floats_mut("entropy.z4.context.project.bias").unwrap().iter_mut().for_each(|value| *value -= by);
    out
}

/// The next generation, which has one add-on more.
fn child(parent: &ModelFile, by: f32) -> ModelFile {
    let mut weights = parent.weights.clone();
    weights.push_add_on(&other_heads(&parent.weights, by));
    weights.floats_mut("reconstruction.start").unwrap().iter_mut().for_each(|value| *value += 0.25);
    parent.child(parent.metadata.lambda, weights).unwrap()
}

fn image() -> Image {
    images::image(images::Kind::Photo, 100, 90, PixelFormat::Rgb8)
}

fn options(add_ons: AddOns) -> EncodeOptions {
    EncodeOptions::new(LAMBDA).with_lossless(Lossless::Never).with_add_ons(add_ons)
}

fn latents(model: &Model, bytes: &[u8]) -> heirloom_codec::Latents {
    model.decode_latents(bytes, &DecodeOptions::default()).unwrap()
}

#[test]
fn later_generations_read_files_with_and_without_add_ons() {
    let files = {
        let old = parent();
        let (first, plain) = (child(&old, 0.25), old.child(old.metadata.lambda, old.weights.clone()).unwrap());
        let second = child(&first, 0.5);
        [old, plain, first, second]
    };
    let count = |file: &ModelFile| file.metadata.lineage.add_ons.len();
    assert_eq!(files.each_ref().map(count), [0, 0, 1, 2]);
    let models = files.map(|file| Model::new(file).unwrap());
    for (number, writer) in models.iter().enumerate() {
        let newest = writer.encode(&image(), &options(AddOns::Newest)).unwrap();
        let without = writer.encode(&image(), &options(AddOns::Never)).unwrap();
        assert_eq!(newest == without, number < 2);
        for (reader_number, reader) in models.iter().enumerate() {
            assert_eq!(latents(writer, &without), latents(reader, &without));
            let header = latents(writer, &newest).header;
            assert!(writer.wrote(&header));
            if reader_number >= number || number < 2 {
                assert!(reader.reads(&header));
                assert_eq!(latents(writer, &newest), latents(reader, &newest), "{number} by {reader_number}");
            } else {
                assert!(!reader.reads(&header));
                let error = reader.decode(&newest, &DecodeOptions::default()).unwrap_err();
                assert_eq!(error.fault(), Fault::UnknownModel);
            }
        }
    }
}

#[test]
fn an_add_on_is_the_branch_with_other_heads() {
    let file = child(&parent(), 0.25);
    let alone = ModelFile::new(file.metadata.spec.clone(), file.metadata.lambda, file.weights.with_heads(1)).unwrap();
    assert_eq!(file.metadata.lineage.add_ons, [alone.metadata.lineage.entropy_id]);
    let (model, alone) = (Model::new(file).unwrap(), Model::new(alone).unwrap());
    let [ours, theirs] = [&model, &alone].map(|model| model.encode(&image(), &options(AddOns::Newest)).unwrap());
    let tiles = |bytes: &[u8]| parse(bytes, &Limits::default()).unwrap().tiles;
    assert_eq!(tiles(&ours), tiles(&theirs));
    let decode = |model: &Model, bytes: &[u8]| model.decode(bytes, &DecodeOptions::default()).unwrap();
    assert_eq!(decode(&model, &ours), decode(&alone, &theirs));
    assert_eq!(decode(&model, &ours), decode(&model, &theirs));
}

#[test]
fn the_better_of_both_is_kept() {
    let model = Model::new(child(&parent(), 0.25)).unwrap();
    let files = [AddOns::Newest, AddOns::Never, AddOns::WhereBetter]
        .map(|add_ons| model.encode_with_summary(&image(), &options(add_ons)).unwrap());
    let image = image();
    let rgb = image.to_rgb();
    let loss = |bytes: &[u8]| {
        let shown = model.decode(bytes, &DecodeOptions::default()).unwrap().to_rgb().into_owned();
        let squares = rgb.iter().zip(&shown).map(|(&a, &b)| (f64::from(a.abs_diff(b)) / 127.5).powi(2));
        8.0 * bytes.len() as f64 + f64::from(LAMBDA) * squares.sum::<f64>() / 3.0
    };
    let [newest, never, better] = files.each_ref().map(|(bytes, _)| loss(bytes));
    assert_ne!(newest, never);
    assert_eq!(better, newest.min(never));
}

#[cfg(feature = "effort")]
#[test]
fn effort_works_with_add_ons() {
    use heirloom_codec::Effort;
    let file = child(&parent(), 0.25);
    let alone = ModelFile::new(file.metadata.spec.clone(), file.metadata.lambda, file.weights.with_heads(1)).unwrap();
    let options = options(AddOns::Newest).with_effort(Effort::new(2).unwrap());
    let tiles = [file, alone].map(|file| {
        let bytes = Model::new(file).unwrap().encode(&image(), &options).unwrap();
        parse(&bytes, &Limits::default()).unwrap().tiles
    });
    assert_eq!(tiles[0], tiles[1]);
}

#[test]
fn model_files_carry_and_protect_add_ons() {
    let old = parent();
    let file = child(&child(&old, 0.25), 0.5);
    let bytes = file.to_bytes().unwrap();
    assert_eq!(ModelFile::from_bytes(&bytes).unwrap(), file);
    let decoder = file.without_encoder();
    let read = ModelFile::from_bytes(&decoder.to_bytes().unwrap()).unwrap();
    assert_eq!(read.metadata.lineage, file.metadata.lineage);

    let mut damaged = file.clone();
    damaged.weights.floats_mut("add_on2.z3.prior.bias").unwrap()[3] += 1e-6;
    let error = damaged.to_bytes().unwrap_err();
    assert!(matches!(error, ModelError::Identity { which: "add-on's entropy", .. }), "{error}");
    let difference = file.entropy_difference(&damaged).unwrap();
    assert!(difference.to_string().contains("\"add_on2.z3.prior.bias\" differs: value 3 "), "{difference}");

    let mut short = file.clone();
    short.metadata.lineage.add_ons.pop();
    assert!(matches!(short.to_bytes(), Err(ModelError::Extra(name)) if name.starts_with("add_on2.")));
    let mut long = file.clone();
    let id = long.metadata.lineage.add_ons[0];
    long.metadata.lineage.add_ons.push(id);
    assert!(matches!(long.to_bytes(), Err(ModelError::Missing(name)) if name.starts_with("add_on3.")));
    let mut weights = file.weights.clone();
    let tensor = weights.get_mut("add_on1.z1.prior.weight").unwrap();
    tensor.values = Values::Integers(vec![0; 3]);
    assert!(matches!(weights.check(&file.metadata.spec), Err(ModelError::Shape { .. })));

    let mut many = bytes.clone();
    let text = format!("\"add_ons\\\":[\\\"{}\\\"", file.metadata.lineage.add_ons[0]);
    let position = many.windows(text.len()).position(|part| part == text.as_bytes()).unwrap();
    let more = format!(",\\\"{id}\\\"").repeat(MAX_ADD_ONS);
    many.splice(position + text.len()..position + text.len(), more.bytes());
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) + more.len() as u64;
    many[..8].copy_from_slice(&length.to_le_bytes());
    let error = ModelFile::from_bytes(&many).unwrap_err();
    assert!(error.to_string().contains("18 add-ons, allowed are 16"), "{error}");
}

#[test]
fn a_child_keeps_its_parents_add_ons() {
    let old = parent();
    let file = child(&old, 0.25);
    let heir = file.child(file.metadata.lambda, old.weights.clone()).unwrap();
    assert_eq!(heir.metadata.lineage.add_ons, file.metadata.lineage.add_ons);
    assert_eq!(file.entropy_difference(&heir), None);

    let mut other = old.weights.clone();
    other.push_add_on(&other_heads(&old.weights, 0.125));
    let error = file.child(file.metadata.lambda, other).unwrap_err();
    assert!(matches!(error, ModelError::Identity { which: "add-on's entropy", .. }), "{error}");
    let difference = file.entropy_difference(&old).unwrap();
    assert_eq!(difference, EntropyDifference::AddOns { old: 1, new: 0 });
    assert_eq!(difference.to_string(), "the old model has 1 add-on, the new one 0");
}

//! Files of published generations decode to the same latents and pixels as on the day they were
//! written, with any instruction set and number of threads. The hashes are in
//! `conformance/*/manifest.json`.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test fails by panicking

use std::fs;
use std::path::{Path, PathBuf};

use heirloom_codec::model::ModelFile;
use heirloom_codec::{DecodeOptions, Image, Model};
use heirloom_format::container::parse_header;
use heirloom_kernels::Isa;
use set::{Entry, Manifest, digest, metadata_digest, pixel_digest, root};

#[path = "conformance_set/mod.rs"]
mod set;

/// A set: its folder and its manifest.
struct Set {
    folder: PathBuf,
    manifest: Manifest,
}

impl Set {
    /// Name of the folder, as in [`set::Older`].
    fn name(&self) -> &str {
        self.folder.file_name().unwrap().to_str().unwrap()
    }

    fn read(&self, entry: &Entry) -> Vec<u8> {
        fs::read(self.folder.join(&entry.name)).unwrap()
    }
}

fn sets() -> Vec<Set> {
    let folders = fs::read_dir(root().join("conformance")).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = folders.filter(|path| path.is_dir()).collect();
    folders.sort();
    let read = |folder: &Path| serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    folders.into_iter().map(|folder| Set { manifest: read(&folder), folder }).collect()
}

/// The set that the default model wrote.
fn own<'a>(sets: &'a [Set], model: &Model) -> &'a Set {
    let id = model.metadata().lineage.generation_id.to_string();
    let own = sets.iter().find(|set| set.manifest.generation_id == id);
    own.expect("the default model has a set under conformance/ (is another model built in by HEIRLOOM_DEFAULT_MODEL?)")
}

fn default_file() -> ModelFile {
    ModelFile::from_bytes(heirloom_default_model::bytes()).unwrap()
}

fn default_model() -> Model {
    Model::new(default_file()).unwrap()
}

fn latents_digest(model: &Model, bytes: &[u8], options: &DecodeOptions) -> String {
    blake3::Hash::from_bytes(model.decode_latents(bytes, options).unwrap().hash()).to_hex().to_string()
}

fn check(model: &Model, entry: &Entry, pixels: &str, bytes: &[u8], isa: Isa, what: &str) {
    let mut options = DecodeOptions::default();
    options.isa = Some(isa);
    assert_eq!(latents_digest(model, bytes, &options), entry.latents, "latents, {what}");
    let image: Image = model.decode(bytes, &options).unwrap();
    assert_eq!((image.width(), image.height()), (entry.width, entry.height), "{what}");
    assert_eq!(pixel_digest(&image), pixels, "pixels, {what}");
    assert_eq!(metadata_digest(&image.metadata), entry.metadata, "metadata, {what}");
}

/// Largest canvas in tiles of 64 × 64 that is decoded: no limit, unless an emulated processor, which
/// is slow, sets one.
fn most_tiles() -> u64 {
    std::env::var("HEIRLOOM_CONFORMANCE_TILES").map_or(u64::MAX, |tiles| tiles.parse().unwrap())
}

/// Calls `check` with each instruction set, and with one and two threads except in slow cases.
fn on_every_machine(pixels: u64, check: impl Fn(Isa, &str) + Sync) {
    let pools = [1, 2].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap());
    for isa in Isa::available() {
        // Large images are slow with the scalar instruction set, and are tested with two threads
        // only.
        let slow = isa == Isa::Scalar && pixels > 4 * 64 * 64;
        for pool in &pools[usize::from(slow)..] {
            pool.install(|| check(isa, &format!("{isa:?}, {} threads", pool.current_num_threads())));
        }
    }
}

#[test]
fn each_set_is_whole_and_unchanged() {
    for set in sets() {
        let listed: Vec<&str> = set.manifest.files.iter().map(|entry| entry.name.as_str()).collect();
        let names = fs::read_dir(&set.folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut found: Vec<String> = names.filter(|name| name.ends_with(".hlm")).collect();
        found.sort();
        assert_eq!(found, listed, "the manifest lists all files of {} in order", set.name());
        for entry in &set.manifest.files {
            let bytes = set.read(entry);
            assert_eq!(digest(&bytes), entry.file, "{} has changed", entry.name);
            let (header, _) = parse_header(&bytes, &DecodeOptions::default().limits).unwrap();
            assert_eq!(
                (header.width, header.height, header.pixel_format.name(), header.lambda, header.tiles().count()),
                (entry.width, entry.height, entry.format.as_str(), entry.lambda, entry.tiles)
            );
        }
    }
}

#[test]
fn files_of_the_default_model_decode_as_on_the_first_day() {
    let (sets, model) = (sets(), default_model());
    let set = own(&sets, &model);
    let lineage = &model.metadata().lineage;
    assert_eq!(
        (lineage.entropy_id.to_string(), lineage.generation),
        (set.manifest.entropy_id.clone(), set.manifest.generation),
    );
    let mut decoded = 0;
    for entry in &set.manifest.files {
        let bytes = set.read(entry);
        let (header, _) = parse_header(&bytes, &DecodeOptions::default().limits).unwrap();
        assert!(model.wrote(&header), "{}", entry.name);
        if header.padded_pixels() / (64 * 64) > most_tiles() {
            continue;
        }
        decoded += 1;
        let pixels = entry.pixels.as_deref().unwrap();
        on_every_machine(header.padded_pixels(), |isa, what| {
            check(&model, entry, pixels, &bytes, isa, &format!("{}, {what}", entry.name));
        });
    }
    println!("{decoded} of {} files decoded", set.manifest.files.len());
    assert!(decoded > 10);
}

/// All other sets are of earlier generations of the lineage; the default model decodes them as on
/// the day it was published.
#[test]
fn older_files_decode_as_on_the_day_the_default_model_was_published() {
    let (sets, model) = (sets(), default_model());
    let own = own(&sets, &model);
    let older: Vec<&str> = own.manifest.older.iter().map(|older| older.set.as_str()).collect();
    let others: Vec<&str> = sets.iter().map(Set::name).filter(|name| *name != own.name()).collect();
    assert_eq!(older, others, "{} has pixels for every other set", own.name());
    for older in &own.manifest.older {
        let set = sets.iter().find(|set| set.name() == older.set).unwrap();
        let written = &set.manifest;
        assert_eq!(written.files.len(), older.pixels.len(), "{}", older.set);
        assert!(written.entropy_id == own.manifest.entropy_id && written.generation < own.manifest.generation);
        for (entry, pixels) in written.files.iter().zip(&older.pixels) {
            let bytes = set.read(entry);
            let (header, _) = parse_header(&bytes, &DecodeOptions::default().limits).unwrap();
            assert!(model.reads(&header) && !model.wrote(&header), "{}", entry.name);
            on_every_machine(header.padded_pixels(), |isa, what| {
                check(&model, entry, pixels, &bytes, isa, &format!("{} of {}, {what}", entry.name, older.set));
            });
        }
    }
}

/// A next generation finds the same latents, whatever its encoder and reconstruction branch have
/// become.
#[test]
fn a_next_generation_reads_the_files_of_its_lineage() {
    let parent = default_file();
    let mut weights = parent.weights.clone();
    for (name, by) in [("reconstruction.image.bias", 0.25), ("encoder.s4.down.bias", -0.5)] {
        weights.floats_mut(name).unwrap().iter_mut().for_each(|value| *value += by);
    }
    let child = parent.child(parent.metadata.lambda, weights).unwrap();
    assert_eq!(child.metadata.lineage.generation, parent.metadata.lineage.generation + 1);
    assert_ne!(child.metadata.lineage.generation_id, parent.metadata.lineage.generation_id);
    let child = Model::new(child).unwrap();
    for set in sets() {
        for entry in &set.manifest.files {
            let bytes = set.read(entry);
            let (header, _) = parse_header(&bytes, &DecodeOptions::default().limits).unwrap();
            assert!(child.reads(&header) && !child.wrote(&header), "{}", entry.name);
            let latents = latents_digest(&child, &bytes, &DecodeOptions::default());
            assert_eq!(latents, entry.latents, "{} of {}", entry.name, set.name());
            if entry.width * entry.height > 1 && entry.width <= 64 && entry.lossless_tiles == 0 {
                let image = child.decode(&bytes, &DecodeOptions::default()).unwrap();
                assert_ne!(Some(pixel_digest(&image)), entry.pixels, "{}: its image is another", entry.name);
            }
        }
    }
}

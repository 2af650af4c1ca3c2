//! Files that published generations wrote decode to what they did on the day they were written: to the same latents and
//! pixels, with any instruction set and number of threads. The hashes are those of `conformance/*/manifest.json`.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::fs;
use std::path::{Path, PathBuf};

use heirloom_codec::{DecodeOptions, Image, Model};
use heirloom_format::container::{PixelFormat, parse_header};
use heirloom_kernels::Isa;
use set::{Entry, Manifest, digest, metadata_digest, root};

#[path = "conformance_set/mod.rs"]
mod set;

/// Files in a folder of the workspace, or of its folders, that end so. None where this crate stands alone.
fn find(folder: &str, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().unwrap().ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn load(path: &Path) -> Model {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Model::from_bytes(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn manifests() -> Vec<(PathBuf, Manifest)> {
    let read = |path: &PathBuf| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    find("conformance", "manifest.json").into_iter().map(|path| (path.clone(), read(&path))).collect()
}

fn latents_digest(model: &Model, bytes: &[u8], options: &DecodeOptions) -> String {
    blake3::Hash::from_bytes(model.decode_latents(bytes, options).unwrap().hash()).to_hex().to_string()
}

/// Whether a isa's pixels with fused multiply-add are worth the wait: software makes them some hundred times slower.
fn has_fused(isa: Isa, entry: &Entry) -> bool {
    isa > Isa::Scalar || cfg!(target_arch = "aarch64") || entry.width.max(entry.height) <= 1
}

fn check(model: &Model, entry: &Entry, bytes: &[u8], isa: Isa, what: &str) {
    let mut options = DecodeOptions::default();
    options.isa = Some(isa);
    assert_eq!(latents_digest(model, bytes, &options), entry.latents, "latents, {what}");
    for (exact, pixels) in [(true, &entry.exact_pixels), (false, &entry.fused_pixels)] {
        if exact || has_fused(isa, entry) {
            options.exact = exact;
            let image: Image = model.decode(bytes, &options).unwrap();
            assert_eq!((image.width(), image.height()), (entry.width, entry.height), "{what}");
            assert_eq!(&digest(image.data()), pixels, "pixels, exact = {exact}, {what}");
            assert_eq!(metadata_digest(&image.metadata), entry.metadata, "metadata, {what}");
        }
    }
}

#[test]
fn files_of_all_generations_decode_as_on_the_first_day() {
    let pools = [1, 2].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap());
    for (path, manifest) in manifests() {
        let model = load(&root().join(&manifest.model));
        let lineage = model.metadata().lineage;
        assert_eq!(
            (lineage.entropy_id.to_string(), lineage.generation, lineage.generation_id.to_string()),
            (manifest.entropy_id, manifest.generation, manifest.generation_id),
            "{} is not the model that wrote {}",
            manifest.model,
            path.display()
        );
        let folder = path.parent().unwrap();
        let listed: Vec<PathBuf> = manifest.files.iter().map(|entry| folder.join(&entry.name)).collect();
        let found = find(folder.strip_prefix(root()).unwrap().to_str().unwrap(), ".hlm");
        assert_eq!(found, listed, "the manifest lists all files of its folder in order");
        for (entry, path) in manifest.files.iter().zip(&listed) {
            let bytes = fs::read(path).unwrap();
            assert_eq!(digest(&bytes), entry.file, "{} has changed", entry.name);
            let (header, _) = parse_header(&bytes, &DecodeOptions::default().limits).unwrap();
            let format = if entry.format == "grey" { PixelFormat::Grey8 } else { PixelFormat::Rgb8 };
            assert_eq!(
                (header.width, header.height, header.pixel_format, header.lambda),
                (entry.width, entry.height, format, entry.lambda)
            );
            assert!(model.wrote(&header), "{}", entry.name);
            for isa in Isa::available() {
                // Large images are slow in plain Rust; one number of threads tells enough there.
                let slow = isa == Isa::Scalar && header.padded_pixels() > 4 * 64 * 64;
                for pool in &pools[usize::from(slow)..] {
                    let what = format!("{}, {isa:?}, {} threads", entry.name, pool.current_num_threads());
                    pool.install(|| check(&model, entry, &bytes, isa, &what));
                }
            }
        }
    }
}

/// What a generation makes of older files is as on the day it was published, too.
#[test]
fn older_files_decode_as_on_the_day_a_generation_was_published() {
    let manifests = manifests();
    for (path, manifest) in &manifests {
        let model = load(&root().join(&manifest.model));
        for older in &manifest.older {
            let folder = path.parent().unwrap().with_file_name(&older.set);
            let (_, written) = manifests.iter().find(|(path, _)| path.parent() == Some(&folder)).unwrap();
            assert_eq!(written.files.len(), older.pixels.len(), "{}", older.set);
            assert!(written.entropy_id == manifest.entropy_id && written.generation < manifest.generation);
            for (entry, pixels) in written.files.iter().zip(&older.pixels) {
                let bytes = fs::read(folder.join(&entry.name)).unwrap();
                let (exact_pixels, fused_pixels) = (pixels.exact.clone(), pixels.fused.clone());
                let entry = Entry { exact_pixels, fused_pixels, ..entry.clone() };
                // That instruction sets agree is seen by the files' own generation.
                check(&model, &entry, &bytes, Isa::best(), &format!("{} with {}", entry.name, manifest.model));
            }
        }
    }
}

/// Each published model has its set, and finds in the sets of its whole lineage the latents that were written.
#[test]
fn every_generation_reads_the_files_of_its_lineage() {
    let manifests = manifests();
    for path in find("models", ".safetensors") {
        let model = load(&path);
        let id = model.metadata().lineage.generation_id.to_string();
        let has_set = manifests.iter().any(|(_, manifest)| manifest.generation_id == id);
        assert!(has_set || model.metadata().preview, "{} has no set under conformance/", path.display());
        for (manifest_path, manifest) in &manifests {
            for entry in &manifest.files {
                let bytes = fs::read(manifest_path.with_file_name(&entry.name)).unwrap();
                let (header, _) = parse_header(&bytes, &DecodeOptions::default().limits).unwrap();
                if model.reads(&header) {
                    let latents = latents_digest(&model, &bytes, &DecodeOptions::default());
                    assert_eq!(latents, entry.latents, "{} with {}", entry.name, path.display());
                }
            }
        }
    }
}

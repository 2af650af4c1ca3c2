//! Packs: the same batches as from the folder, only what was asked for, and damaged ones are
//! refused.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use common::{Scratch, draw, metrics, options};
use heirloom_train::{
    data::{
        Augmentation, BatchSampler, Images, Loader,
        pack_writer::{PackOptions, PackSummary, write_pack},
        sampler::{BatchShape, LambdaLaw},
    },
    trainer::{self, Config, Options},
};

fn pack(scratch: &Scratch, options: PackOptions) -> (PathBuf, PackSummary) {
    let path = scratch.0.join("images.pack");
    let summary = write_pack(&[scratch.images()], &path, options).unwrap();
    (path, summary)
}

fn refusal(path: &Path) -> String {
    Images::open(path, 0).err().unwrap().to_string()
}

/// Rows of the table beside a pack, without their source's folder: name, hash, width, height.
fn table(pack: &Path) -> Vec<[String; 4]> {
    let text = fs::read_to_string(pack.with_extension("tsv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("source\tblake3\twidth\theight"));
    let row = |line: &str| -> [String; 4] {
        let mut row: Vec<String> = line.split('\t').map(String::from).collect();
        row[0] = Path::new(&row[0]).file_name().unwrap().to_string_lossy().into_owned();
        row.try_into().unwrap()
    };
    lines.map(row).collect()
}

#[test]
fn a_pack_gives_the_same_batches_and_the_same_run_as_its_folder() {
    let scratch = Scratch::new("pack-batches");
    draw(&scratch.images(), 7);
    // Narrower and lower than a crop.
    fs::write(scratch.images().join("small.pgm"), [b"P5 50 40 255\n".as_slice(), &[9; 2000]].concat()).unwrap();
    let (path, summary) = pack(&scratch, PackOptions::default());
    assert_eq!((summary.images, summary.bytes), (8, fs::metadata(&path).unwrap().len()));
    let folder = Arc::new(Images::open(&scratch.images(), 1 << 30).unwrap());
    let packed = Arc::new(Images::open(&path, 0).unwrap());
    assert_eq!((packed.len(), packed.manifest()), (folder.len(), folder.manifest()));
    for index in 0..folder.len() {
        assert_eq!(packed.size(index), folder.size(index));
        assert_eq!(packed.image(index).unwrap(), folder.image(index).unwrap());
    }
    for shrink in [[1.0, 1.0], [0.4, 0.9]] {
        let augmentation = Augmentation { shrink, flip: true };
        let sampler = BatchSampler { seed: 5, augmentation, lambda: [8.0, 8192.0], law: LambdaLaw::CubeRoot };
        let batches = |images: &Arc<Images>, threads: usize| -> Vec<_> {
            let shape = |step| BatchShape { crop: 64, batch: 4, samples_before: 4 * step };
            let mut loader = Loader::start(images.clone(), sampler.clone(), shape, 0, threads).unwrap();
            (0..12).map(|_| loader.next_batch().unwrap()).collect()
        };
        assert!(batches(&folder, 1) == batches(&packed, 2), "{shrink:?}");
    }

    // A run goes on from the pack as if nothing had changed.
    let config =
        Config { steps: 4, log_every: 2, probe_every: 2, checkpoint_every: 2, ..Config::preset("tiny").unwrap() };
    let whole = trainer::train(&config, &options(&scratch, "whole")).unwrap();
    let parts = options(&scratch, "parts");
    trainer::train(&config, &Options { stop_at: Some(2), ..parts.clone() }).unwrap();
    let continued = Options { data: path.clone(), validation: Some(path), resume: true, ..parts };
    assert!(trainer::train(&config, &continued).unwrap() == whole);
    assert_eq!(metrics(&scratch.0.join("whole")), metrics(&scratch.0.join("parts")));
}

#[test]
fn images_are_shrunk_or_left_out_as_asked_and_listed() {
    let scratch = Scratch::new("pack-sides");
    let write = |name: &str, width: usize, height: usize| {
        let bytes = [format!("P5 {width} {height} 255\n").as_bytes(), &vec![100; width * height]].concat();
        fs::write(scratch.images().join(name), &bytes).unwrap();
        blake3::hash(&bytes).to_hex().to_string()
    };
    let wide = write("a.pgm", 400, 100);
    write("b.pgm", 90, 39);
    let small = write("c.pgm", 60, 70);
    fs::write(scratch.images().join("broken.png"), b"no image").unwrap();
    let (path, summary) = pack(&scratch, PackOptions { max_side: Some(200), min_side: Some(40) });
    assert_eq!((summary.images, summary.too_small, summary.unreadable), (2, 1, 1));
    let images = Images::open(&path, 0).unwrap();
    assert_eq!([images.size(0), images.size(1)], [(200, 50), (60, 70)]);
    assert!(images.image(0).unwrap().rgb.iter().all(|v| *v == 100));
    let row = |row: [&str; 4]| row.map(String::from);
    assert_eq!(table(&path), [row(["a.pgm", &wide, "200", "50"]), row(["c.pgm", &small, "60", "70"])]);

    // Other sizes make another set of images.
    let manifest = images.manifest().to_owned();
    let (path, _) = pack(&scratch, PackOptions { max_side: Some(100), min_side: Some(20) });
    assert_ne!(Images::open(&path, 0).unwrap().manifest(), manifest);

    let nothing = PackOptions { max_side: None, min_side: Some(1000) };
    let said = write_pack(&[scratch.images()], &scratch.0.join("none.pack"), nothing).unwrap_err().to_string();
    assert!(said.contains("nothing to pack: 3 images are too small, 1 files"), "{said}");
    let left: Vec<_> = fs::read_dir(&scratch.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.iter().filter(|name| name.to_string_lossy().contains("none")).count(), 0, "{left:?}");
}

#[test]
fn what_is_no_pack_or_a_damaged_one_is_refused_by_name() {
    let scratch = Scratch::new("pack-damage");
    draw(&scratch.images(), 3);
    let (path, _) = pack(&scratch, PackOptions::default());
    let whole = fs::read(&path).unwrap();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole.clone();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
        refusal(&path)
    };
    let says = |said: String, why: &str| assert!(said.contains("images.pack") && said.contains(why), "{said}");
    says(with(&|b| b.clear()), "is no pack");
    says(with(&|b| b.truncate(20)), "is no pack");
    says(with(&|b| b[3] ^= 1), "is no pack");
    says(with(&|b| b[8] = 2), "version 2");
    says(with(&|b| b.truncate(100)), "index is truncated");
    says(with(&|b| b[23] = 0xff), "index is truncated");
    // A manifest, an offset, a width.
    for byte in [30, 90, 97] {
        says(with(&|b| b[byte] ^= 1), "hash of its index");
    }
    says(with(&|b| b.truncate(b.len() - 1)), "it is truncated");
    fs::write(&path, &whole).unwrap();
    assert_eq!(Images::open(&path, 0).unwrap().len(), 3);
}

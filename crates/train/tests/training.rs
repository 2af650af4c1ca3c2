//! Runs on made-up pictures: they learn, they can be interrupted, and they refuse what is broken.

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use heirloom_train::{
    TrainError,
    data::{Folder, Loader, loader::Plan},
    random::Random,
    trainer::{self, Config, Options, checkpoint::Checkpoint, config::Phase, schedule},
};

/// A folder of its own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("heirloom-train-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("pictures")).unwrap();
        Self(path)
    }

    fn pictures(&self) -> PathBuf {
        self.0.join("pictures")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Smooth colour gradients with a disc, as PPM files.
fn draw(folder: &Path, count: u64) {
    for n in 0..count {
        let mut random = Random::new(7, 0, n);
        let (w, h) = (90 + random.below(60), 70 + random.below(60));
        let (cx, cy, r) = (random.below(w) as f32, random.below(h) as f32, 10.0 + 20.0 * random.unit());
        let colours: [[f32; 3]; 3] = std::array::from_fn(|_| std::array::from_fn(|_| 255.0 * random.unit()));
        let mut bytes = format!("P6\n{w} {h}\n255\n").into_bytes();
        for y in 0..h {
            for x in 0..w {
                let inside = (x as f32 - cx).hypot(y as f32 - cy) < r;
                let t = x as f32 / w as f32;
                bytes.extend(
                    (0..3).map(
                        |c| if inside { colours[2][c] } else { colours[0][c] * (1.0 - t) + colours[1][c] * t } as u8,
                    ),
                );
            }
        }
        fs::write(folder.join(format!("{n:03}.ppm")), bytes).unwrap();
    }
}

fn config(steps: u64) -> Config {
    Config {
        steps,
        phases: vec![Phase { from_step: 0, crop: 64, batch: 2 }],
        log_every: 4,
        checkpoint_every: 8,
        probe_every: 8,
        probe_pictures: 1,
        ..Config::preset("tiny").unwrap()
    }
}

fn options(scratch: &Scratch, run: &str) -> Options {
    Options {
        data: scratch.pictures(),
        validation: None,
        out: scratch.0.join(run),
        resume: true,
        init: None,
        stop_at: None,
        device: Device::flex(),
        quiet: true,
    }
}

/// The metrics without what the clock says.
fn metrics(run: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let clean = |line: &str| {
        let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
        value.as_object_mut().unwrap().remove("steps_per_second");
        value
    };
    text.lines().map(clean).collect()
}

#[test]
fn a_run_that_is_stopped_and_resumed_ends_as_one_that_was_not() {
    let scratch = Scratch::new("resume");
    draw(&scratch.pictures(), 5);
    let config = config(26);
    let whole = trainer::train(&config, &options(&scratch, "whole")).unwrap();
    trainer::train(&config, &Options { stop_at: Some(16), ..options(&scratch, "parts") }).unwrap();
    // Metrics written after the checkpoint, as by a run that was killed, are dropped and written again.
    let path = scratch.0.join("parts/metrics.jsonl");
    let more = fs::read_to_string(&path).unwrap() + "{\"kind\":\"train\",\"step\":20,\"loss\":0}\n{\"kind\":\"tr";
    fs::write(&path, more).unwrap();
    let parts = trainer::train(&config, &options(&scratch, "parts")).unwrap();
    assert!(whole.state == parts.state, "weights differ");
    assert_eq!(metrics(&scratch.0.join("whole")), metrics(&scratch.0.join("parts")));
    assert_eq!(Checkpoint::newest(&scratch.0.join("whole")).unwrap().unwrap(), whole);
}

#[test]
fn a_damaged_checkpoint_is_passed_over() {
    let scratch = Scratch::new("damage");
    draw(&scratch.pictures(), 2);
    let run = options(&scratch, "run");
    trainer::train(&config(16), &run).unwrap();
    let newest = run.out.join("checkpoint-000000016.bin");
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, &bytes).unwrap();
    assert_eq!(Checkpoint::newest(&run.out).unwrap().unwrap().header.step, 8);
    for length in [0, 7, 20, 100, middle] {
        fs::write(&newest, &bytes[..length]).unwrap();
        assert!(matches!(Checkpoint::read(&newest), Err(TrainError::Checkpoint(_))));
    }
}

#[test]
fn a_tiny_network_learns_one_small_folder() {
    let scratch = Scratch::new("learn");
    draw(&scratch.pictures(), 2);
    let mut config = config(120);
    config.phases[0].batch = 4;
    config.lambda = [128.0, 128.0];
    config.probe_every = 0;
    config.log_every = 20;
    config.checkpoint_every = 120;
    let run = options(&scratch, "run");
    trainer::train(&config, &run).unwrap();
    let losses: Vec<f64> = metrics(&run.out).iter().map(|m| m["loss"].as_f64().unwrap()).collect();
    assert!(losses.last().unwrap() < &(0.35 * losses[0]), "{losses:?}");
}

#[test]
fn batches_do_not_depend_on_threads_or_where_one_begins() {
    let scratch = Scratch::new("batches");
    draw(&scratch.pictures(), 3);
    let folder = std::sync::Arc::new(Folder::open(&scratch.pictures(), 1 << 30).unwrap());
    let without_cache = std::sync::Arc::new(Folder::open(&scratch.pictures(), 0).unwrap());
    assert_eq!(folder.manifest(), without_cache.manifest());
    let config =
        Config { augmentation: heirloom_train::data::Augmentation { shrink: [0.5, 1.0], flip: true }, ..config(1) };
    let plan = Plan { seed: 3, augmentation: config.augmentation.clone(), lambda: config.lambda };
    let take = |folder: &std::sync::Arc<Folder>, from: u64, threads: usize| {
        let config = config.clone();
        let mut loader =
            Loader::start(folder.clone(), plan.clone(), move |s| schedule::shape(&config, s), from, threads).unwrap();
        (from..10).map(|_| loader.next_batch().unwrap()).collect::<Vec<_>>()
    };
    let all = take(&folder, 0, 1);
    assert_eq!(take(&folder, 0, 3), all);
    assert_eq!(take(&without_cache, 4, 2)[..], all[4..]);
    assert!(all.iter().flat_map(|b| &b.lambdas).all(|l| (32.0..=1024.0).contains(l)));
    assert_ne!(all[0].pixels, all[1].pixels);
}

#[test]
fn unreadable_pictures_are_left_out_and_an_empty_folder_is_an_error() {
    let scratch = Scratch::new("folder");
    let message = Folder::open(&scratch.pictures(), 0).err().unwrap().to_string();
    assert!(message.contains("holds no pictures"), "{message}");
    fs::write(scratch.pictures().join("broken.jpg"), b"no jpeg").unwrap();
    let message = Folder::open(&scratch.pictures(), 0).err().unwrap().to_string();
    assert!(message.contains("could be decoded"), "{message}");
    draw(&scratch.pictures(), 1);
    assert_eq!(Folder::open(&scratch.pictures(), 0).unwrap().len(), 1);
}

#[test]
fn a_loss_that_is_not_finite_never_reaches_the_weights() {
    let scratch = Scratch::new("nan");
    draw(&scratch.pictures(), 1);
    // λ so large that the loss overflows.
    let mut config = config(8);
    config.lambda = [3e38, 3e38];
    config.max_not_finite = 3;
    config.layer_scale = 1e30;
    let run = options(&scratch, "run");
    match trainer::train(&config, &run) {
        Err(TrainError::NotFinite { step, in_a_row }) => assert_eq!((step, in_a_row), (3, 3)),
        other => panic!("{:?}", other.map(|c| c.header.step)),
    }
}

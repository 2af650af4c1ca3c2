//! Runs on drawn images: they learn, they can be interrupted, and they refuse what is broken.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use std::{fs, sync::Arc};

use burn::tensor::Device;
use common::{Scratch, draw, metrics};
use heirloom_train::{
    TrainError,
    data::{Augmentation, BatchSampler, Folder, Images, Loader, sampler::LambdaLaw},
    model::{
        Layout, Spec,
        initial::{Initial, initial},
    },
    trainer::{
        self, Config, Options,
        calibration::Calibration,
        checkpoint::Checkpoint,
        config::{Optimiser, Phase},
        evaluate::Evaluator,
        export,
        grow::{Growth, grow},
        network_config::NetworkConfig,
        schedule, start,
    },
};

fn config(steps: u64) -> Config {
    Config {
        steps,
        phases: vec![Phase { from_step: 0, crop: 64, batch: 2 }],
        log_every: 4,
        checkpoint_every: 8,
        probe_every: 8,
        probe_images: 1,
        ..Config::preset("tiny").unwrap()
    }
}

fn options(scratch: &Scratch, run: &str) -> Options {
    Options { resume: true, ..common::options(scratch, run) }
}

#[test]
fn latents_grow_without_effect_and_the_run_goes_on() {
    let scratch = Scratch::new("grow");
    draw(&scratch.images(), 5);
    let spec = Spec { linear_path: false, ..common::with_options(Spec::tiny()) };
    let config = Config { network: NetworkConfig::Full(Box::new(spec.clone())), ..config(8) };
    let before = trainer::train(&config, &options(&scratch, "run")).unwrap();
    let latents = [spec.latents[0], spec.latents[1] + 16, spec.latents[2] + 32, spec.latents[3] + 5];
    let context = spec.context.map(|hidden| if hidden > 0 { hidden + 7 } else { 0 });
    let after = grow(&before, Growth { latents, context, linear_path: true }).unwrap();
    let grown = after.header.spec.as_ref().unwrap();
    assert_eq!((grown.latents, grown.context, grown.linear_path), (latents, context, true));

    let images = Images::open(&scratch.images(), 1 << 20).unwrap();
    let points = |checkpoint: &Checkpoint| {
        let network = checkpoint.header.network();
        let evaluator = Evaluator::new(&network, &checkpoint.state.ema, None, &Device::flex()).unwrap();
        evaluator.first_images(&images, 2, &[32.0, 1024.0]).unwrap()
    };
    for (before, after) in points(&before).into_iter().zip(points(&after)) {
        assert!((before.psnr - after.psnr).abs() < 1e-3, "{before:?} and {after:?}");
        assert!(after.bpp >= before.bpp - 1e-6, "{before:?} and {after:?}");
    }

    let longer = Config { steps: 12, ..after.header.config.clone() };
    fs::create_dir_all(scratch.0.join("grown")).unwrap();
    after.save(&scratch.0.join("grown"), 1).unwrap();
    let learned = trainer::train(&longer, &options(&scratch, "grown")).unwrap();
    assert_eq!((learned.header.step, learned.state.weights.len()), (12, after.state.weights.len()));
    let layout = Layout::new(after.header.spec.as_ref().unwrap());
    let merge = layout.entry("reconstruction.z4.merge.weight").unwrap();
    let new_row = merge.offset + (spec.level_width(3) + spec.latents[3]) * merge.shape[1];
    assert_eq!(after.state.weights[new_row], 0.0);
    assert_ne!(learned.state.weights[new_row], 0.0);
    for name in ["encoder.linear.weight", "reconstruction.linear.weight"] {
        let first = layout.entry(name).unwrap().offset;
        assert_eq!(after.state.weights[first], 0.0);
        assert_ne!(learned.state.weights[first], 0.0);
    }

    for (latents, context) in [([1, 1, 1, 1], spec.context), (spec.latents, [8, 20, 12, 4])] {
        let said = grow(&before, Growth { latents, context, linear_path: false }).unwrap_err().to_string();
        assert!(said.contains("none can become narrower"), "{said}");
    }
    // Contexts and a linear path alone change nothing at all.
    let wider = grow(&before, Growth { latents: spec.latents, context, linear_path: true }).unwrap();
    for (before, after) in points(&before).into_iter().zip(points(&wider)) {
        assert!((before.psnr - after.psnr).abs() < 1e-3 && (before.bpp - after.bpp).abs() < 1e-3 * before.bpp);
    }
}

#[test]
fn a_run_that_is_stopped_and_resumed_ends_as_one_that_was_not() {
    for (name, config) in [("resume", config(26)), ("resume-options", with_options(config(26)))] {
        let scratch = Scratch::new(name);
        draw(&scratch.images(), 5);
        let whole = trainer::train(&config, &options(&scratch, "whole")).unwrap();
        trainer::train(&config, &Options { stop_at: Some(16), ..options(&scratch, "parts") }).unwrap();
        // Metrics written after the checkpoint, as by a run that was killed, are dropped and
        // written again.
        let path = scratch.0.join("parts/metrics.jsonl");
        let more = fs::read_to_string(&path).unwrap() + "{\"kind\":\"train\",\"step\":20,\"loss\":0}\n{\"kind\":\"tr";
        fs::write(&path, more).unwrap();
        let parts = trainer::train(&config, &options(&scratch, "parts")).unwrap();
        assert!(whole.state == parts.state, "weights differ");
        assert_eq!(metrics(&scratch.0.join("whole")), metrics(&scratch.0.join("parts")));
        assert_eq!(Checkpoint::newest(&scratch.0.join("whole")).unwrap().unwrap(), whole);
    }
}

/// Learned steps and contexts, noise at first and rounding later, also of weights, and Muon for
/// matrices of which one starts at zero.
fn with_options(config: Config) -> Config {
    let network = NetworkConfig::Full(Box::new(common::with_options(Spec::tiny())));
    let augmentation = Augmentation { shrink: [0.7, 1.0], flip: true };
    Config { network, optimiser: Optimiser::Muon, rounded: 0.5, rounded_weights: 0.3, augmentation, ..config }
}

#[test]
fn a_model_without_the_options_of_the_configuration_starts_a_run_with_them() {
    let scratch = Scratch::new("add-options");
    draw(&scratch.images(), 2);
    let old = trainer::train(&config(8), &options(&scratch, "old")).unwrap();
    let file = export::model(&old, &Calibration::artificial(), false).unwrap();
    let path = scratch.0.join("old.safetensors");
    fs::write(&path, file.to_bytes().unwrap()).unwrap();
    // What is frozen shows what the run began with.
    let frozen = vec!["entropy.".into(), "reconstruction.".into()];
    let config = Config { freeze: frozen, ..with_options(config(2)) };
    let init = Options { init: Some(path.clone()), resume: false, ..options(&scratch, "new") };
    let new = trainer::train(&config, &init).unwrap();
    let layout = Layout::new(new.header.spec.as_ref().unwrap());
    let initial = start::initial(&config).unwrap();
    let weights = export::floats(&file).unwrap();
    let mut added = 0;
    for entry in layout.entries().iter().filter(|entry| !entry.name.starts_with("encoder.")) {
        let range = entry.offset..entry.offset + entry.len;
        let now = &new.state.weights[range.clone()];
        let tensor = weights.get(&entry.name);
        assert!(now == tensor.map_or(&initial[range], |tensor| &tensor.data), "{}", entry.name);
        added += usize::from(tensor.is_none());
    }
    assert_eq!(added, 4 + 3 * 6 + 2);

    // Not the other way round: without its options, a model means something else.
    let more = export::model(&new, &Calibration::artificial(), false).unwrap();
    fs::write(&path, more.to_bytes().unwrap()).unwrap();
    let back = Options { init: Some(path), resume: false, ..options(&scratch, "back") };
    let said = trainer::train(&self::config(2), &back).unwrap_err().to_string();
    assert!(said.contains("encoder.linear") && said.contains("lacks"), "{said}");
}

#[test]
fn a_damaged_checkpoint_is_passed_over() {
    let scratch = Scratch::new("damage");
    draw(&scratch.images(), 2);
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
    draw(&scratch.images(), 2);
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
    draw(&scratch.images(), 3);
    let folder = Arc::new(Images::open(&scratch.images(), 1 << 30).unwrap());
    let without_cache = Arc::new(Images::open(&scratch.images(), 0).unwrap());
    assert_eq!(folder.manifest(), without_cache.manifest());
    let config =
        Config { augmentation: heirloom_train::data::Augmentation { shrink: [0.5, 1.0], flip: true }, ..config(1) };
    let sampler = BatchSampler { seed: 3, law: LambdaLaw::LogUniform, ..config.sampler() };
    let take = |images: &Arc<Images>, from: u64, threads: usize| {
        let config = config.clone();
        let shape = move |step| schedule::shape(&config, step);
        let mut loader = Loader::start(images.clone(), sampler.clone(), shape, from, threads).unwrap();
        (from..10).map(|_| loader.next_batch().unwrap()).collect::<Vec<_>>()
    };
    let all = take(&folder, 0, 1);
    assert_eq!(take(&folder, 0, 3), all);
    assert_eq!(take(&without_cache, 4, 2)[..], all[4..]);
    assert!(all.iter().flat_map(|b| &b.lambdas).all(|l| (32.0..=1024.0).contains(l)));
    assert_ne!(all[0].pixels, all[1].pixels);
}

#[test]
fn unreadable_images_are_left_out_and_an_empty_folder_is_an_error() {
    let scratch = Scratch::new("folder");
    let message = Folder::open(&scratch.images(), 0).err().unwrap().to_string();
    assert!(message.contains("holds no images"), "{message}");
    fs::write(scratch.images().join("broken.jpg"), b"no jpeg").unwrap();
    let message = Folder::open(&scratch.images(), 0).err().unwrap().to_string();
    assert!(message.contains("could be decoded"), "{message}");
    draw(&scratch.images(), 1);
    assert_eq!(Folder::open(&scratch.images(), 0).unwrap().len(), 1);
}

/// λ so large that the gradient overflows, and weights with which the loss does too.
fn hopeless(steps: u64) -> Config {
    Config { lambda: [3e38, 3e38], layer_scale: 1e30, probe_every: 0, ..config(steps) }
}

/// The weights a run of [`config`] begins with.
fn first_weights(config: &Config) -> Vec<f32> {
    let spec = Spec::tiny();
    initial(&spec, &Layout::new(&spec), Initial { seed: config.seed, layer_scale: config.layer_scale })
}

#[test]
fn steps_that_are_not_finite_are_skipped_and_counted() {
    let scratch = Scratch::new("skipped");
    draw(&scratch.images(), 1);
    let config = hopeless(8);
    let run = options(&scratch, "run");
    let Checkpoint { header, state } = trainer::train(&config, &run).unwrap();
    assert_eq!((header.step, header.updates, header.skipped), (8, 0, 8));
    let start = first_weights(&config);
    assert!(state.weights == start && state.ema == start, "a skipped step changed the weights");
    assert!(state.m.iter().chain(&state.v).all(|x| *x == 0.0), "a skipped step changed the moments");
    for line in metrics(&run.out) {
        assert_eq!((line["skipped"].as_u64(), line["loss"].is_null(), line["psnr"].is_null()), (Some(4), true, true));
    }
}

#[test]
fn too_many_steps_in_a_row_that_are_not_finite_end_the_run_also_across_a_resume() {
    for stop_at in [None, Some(4)] {
        let scratch = Scratch::new("not-finite");
        draw(&scratch.images(), 1);
        let config = Config { max_not_finite: 6, ..hopeless(20) };
        let run = options(&scratch, "run");
        if stop_at.is_some() {
            trainer::train(&config, &Options { stop_at, ..options(&scratch, "run") }).unwrap();
        }
        match trainer::train(&config, &run) {
            Err(TrainError::NotFinite { step, in_a_row }) => assert_eq!((step, in_a_row), (6, 6)),
            other => panic!("{:?}", other.map(|c| c.header.step)),
        }
    }
}

#[test]
fn frozen_parameters_stay_and_the_others_move() {
    let scratch = Scratch::new("frozen");
    draw(&scratch.images(), 1);
    let config = Config { freeze: vec!["entropy.".into()], probe_every: 0, ..config(2) };
    let state = trainer::train(&config, &options(&scratch, "run")).unwrap().state;
    let start = first_weights(&config);
    let mut moved = 0;
    let layout = Layout::new(&Spec::tiny());
    for entry in layout.entries() {
        let range = entry.offset..entry.offset + entry.len;
        let same = state.weights[range.clone()] == start[range.clone()] && state.ema[range.clone()] == start[range];
        assert!(same || !entry.name.starts_with("entropy."), "{} moved", entry.name);
        moved += usize::from(!same);
    }
    // A few others have no gradient at first, such as taps over maps that begin with zeros.
    let free = layout.entries().iter().filter(|entry| !entry.name.starts_with("entropy.")).count();
    assert!(moved > free * 9 / 10, "{moved} of {free}");
}

//! Learning from a model: old files, made by the codec, stay readable and look no worse; what is frozen stays to the bit; and
//! what cannot work is refused.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use burn::tensor::Device;
use common::{Scratch, draw, metrics};
use heirloom_codec::{
    DecodeOptions, EncodeOptions, Image, Model,
    image::PixelFormat,
    model::{EntropyId, LambdaRange, LambdaRanges, ModelFile},
};
use heirloom_train::{
    TrainError,
    data::{Images, RgbImage},
    model::{Layout, Network, Quantise, Weights},
    random::Random,
    replay::{LearningPlan, ReplaySample, Request, Teacher, learn, sample::Content},
    trainer::{
        self, Config, Options,
        checkpoint::Checkpoint,
        export,
        learn_config::Strategy,
        step::{self, Balance, Learner, ReplayBatch, StepInput},
    },
};

fn options(scratch: &Scratch, data: &str, run: &str) -> Options {
    Options { data: scratch.0.join(data), ..common::options(scratch, run) }
}

/// A tiny model that has learned drawn images, with weights of full precision.
fn parent() -> &'static ModelFile {
    static PARENT: OnceLock<ModelFile> = OnceLock::new();
    PARENT.get_or_init(|| {
        let scratch = Scratch::new("learning-parent");
        draw(&scratch.images(), 6);
        // Not to the end, so that there is something left to learn of old images too.
        let config = Config { steps: 100, probe_every: 0, checkpoint_every: 100, ..Config::preset("tiny").unwrap() };
        let checkpoint = trainer::train(&config, &options(&scratch, "images", "run")).unwrap();
        export::model(&checkpoint, true, false).unwrap()
    })
}

/// A folder with the parent's file, old images in `images`, and new ones of another kind in `new`.
fn prepared(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    draw(&scratch.images(), 6);
    fs::create_dir_all(scratch.0.join("new")).unwrap();
    for n in 0..4 {
        fs::write(scratch.0.join(format!("new/{n}.ppm")), stripes(n, 96, 80)).unwrap();
    }
    put(&scratch.0.join("parent.safetensors"), parent());
    scratch
}

fn put(path: &Path, file: &ModelFile) {
    fs::write(path, file.to_bytes().unwrap()).unwrap();
}

/// Fine stripes in strong colours: nothing like the gradients of [`draw`].
fn stripes(n: u64, width: usize, height: usize) -> Vec<u8> {
    let mut random = Random::new(11, 1, n);
    let period = 3 + random.below(4);
    let colours: [[u8; 3]; 2] = std::array::from_fn(|_| std::array::from_fn(|_| random.below(256) as u8));
    let mut bytes = format!("P6\n{width} {height}\n255\n").into_bytes();
    for y in 0..height {
        for x in 0..width {
            bytes.extend(colours[usize::from((x + n as usize * y) % (2 * period) < period)]);
        }
    }
    bytes
}

/// A configuration file for short runs.
fn settings(scratch: &Scratch, text: &str) -> PathBuf {
    let path = scratch.0.join("settings.toml");
    let usual = "probe_every = 0\nlog_every = 1\ncheckpoint_every = 1000\n";
    fs::write(&path, format!("{usual}{text}\n")).unwrap();
    path
}

fn request(scratch: &Scratch, steps: u64) -> Request {
    Request {
        from: Some(scratch.0.join("parent.safetensors")),
        // Not the user's own store.
        store: Some(scratch.0.clone()),
        config: Some(settings(scratch, "")),
        steps: Some(steps),
        ..Request::default()
    }
}

fn with_data(scratch: &Scratch, steps: u64) -> Request {
    Request { replay_data: Some(scratch.images()), ..request(scratch, steps) }
}

fn child(run: &Path, checkpoint: &Checkpoint, full: bool) -> ModelFile {
    LearningPlan::of_run(run, &checkpoint.header.config).unwrap().child(checkpoint, full, false).unwrap()
}

fn images(folder: &Path) -> Vec<RgbImage> {
    let images = Images::open(folder, 1 << 30).unwrap();
    (0..images.len()).map(|i| images.image(i).unwrap().into_owned()).collect()
}

fn codec_image(image: &RgbImage) -> Image {
    Image::new(image.width as u32, image.height as u32, PixelFormat::Rgb8, image.rgb.clone()).unwrap()
}

/// Writes files of the old images into `archive`, with the model in `file`.
fn archive(scratch: &Scratch, file: &ModelFile, prefix: &str) {
    let model = Model::new(file.clone()).unwrap();
    fs::create_dir_all(scratch.0.join("archive")).unwrap();
    for (n, image) in images(&scratch.images()).iter().enumerate() {
        let lambda = [64.0, 256.0, 1024.0][n % 3];
        let bytes = model.encode(&codec_image(image), &EncodeOptions::new(lambda)).unwrap();
        fs::write(scratch.0.join(format!("archive/{prefix}{n:03}.hlm")), bytes).unwrap();
    }
}

fn psnr(a: &Image, b: &Image) -> f64 {
    let sum: f64 = a.data().iter().zip(b.data()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.data().len() as f64 / sum).log10()
}

fn entropy_bits(file: &ModelFile) -> Vec<(String, Vec<u32>)> {
    let bits = |data: &[f32]| data.iter().map(|v| v.to_bits()).collect();
    file.weights.entropy().map(|(name, tensor)| (name.to_owned(), bits(&tensor.data))).collect()
}

/// What the model of a replaying run makes of the parent's files: mean PSNR less that of the parent's own images. All
/// latents must be the same.
fn change(scratch: &Scratch, newer: ModelFile) -> f64 {
    let (old, new) = (Model::new(parent().clone()).unwrap(), Model::new(newer).unwrap());
    let exact = DecodeOptions::exact();
    let mut differences = Vec::new();
    for image in images(&scratch.images()) {
        let original = codec_image(&image);
        for lambda in [32.0, 181.0, 1024.0] {
            let bytes = old.encode(&original, &EncodeOptions::new(lambda)).unwrap();
            let of_old = old.decode_latents(&bytes, &exact).unwrap();
            assert_eq!(of_old.hash(), new.decode_latents(&bytes, &exact).unwrap().hash());
            let decoded = |model: &Model| psnr(&original, &model.decode(&bytes, &exact).unwrap());
            differences.push(decoded(&new) - decoded(&old));
        }
    }
    differences.iter().sum::<f64>() / differences.len() as f64
}

#[test]
fn old_files_look_no_worse_with_replay_and_worse_without() {
    let scratch = prepared("learning-replay");
    let run = |name: &str, request: Request| {
        let options = options(&scratch, "new", name);
        let checkpoint = learn(&request, &options).unwrap();
        (child(&options.out, &checkpoint, false), metrics(&options.out))
    };
    let (with, lines) = run("with", with_data(&scratch, 300));
    let (without, _) = run("without", Request { replay_share: Some(0.0), ..request(&scratch, 300) });
    for file in [&with, &without] {
        assert_eq!(entropy_bits(file), entropy_bits(parent()));
    }
    let own = with.metadata.lineage;
    assert_eq!(own.entropy_id, parent().metadata.lineage.entropy_id);
    assert_eq!((own.generation, own.parent), (1, Some(parent().metadata.lineage.generation_id)));
    let notes = &with.metadata.provenance.notes;
    assert_eq!(notes["strategy"], "replay");
    assert_eq!(notes["learned_from"], parent().metadata.lineage.generation_id.to_string());

    let loss = |n: usize| lines[n]["loss"].as_f64().unwrap();
    assert!(loss(299) < 0.8 * loss(0), "new images were not learned: {} to {}", loss(0), loss(299));
    assert!(lines.iter().all(|line| line["replay_loss"].as_f64().unwrap() > 0.0 && line["replay_mse"].is_f64()));
    let (with, without) = (change(&scratch, with), change(&scratch, without));
    eprintln!("{with} dB with replay, {without} dB without");
    assert!(with > 0.0, "{with} dB with replay");
    assert!(without < -1.0, "{without} dB without replay");
}

#[test]
fn frozen_weights_are_the_parents_to_the_bit_also_where_the_rest_is_rounded() {
    let scratch = prepared("learning-bits");
    let options = options(&scratch, "new", "run");
    let checkpoint = learn(&with_data(&scratch, 3), &options).unwrap();
    for full in [true, false] {
        let file = child(&options.out, &checkpoint, full);
        assert_eq!(entropy_bits(&file), entropy_bits(parent()));
        let halves =
            file.weights.iter().filter(|(_, tensor)| tensor.data.iter().all(|v| v.to_bits() & 0xffff == 0)).count();
        let learning = file.weights.len() - entropy_bits(&file).len();
        assert!(full || halves >= learning, "{halves} of {learning} are bf16");
        // What is written is read back, ids included.
        assert_eq!(ModelFile::from_bytes(&file.to_bytes().unwrap()).unwrap(), file);
    }
    let mut altered = checkpoint.clone();
    let layout = Layout::new(altered.header.spec.as_ref().unwrap());
    altered.state.ema[layout.entry("entropy.z2.prior.bias").unwrap().offset] += 1e-6;
    let plan = LearningPlan::of_run(&options.out, &altered.header.config).unwrap();
    let said = plan.child(&altered, true, false).unwrap_err().to_string();
    assert!(said.contains("entropy.z2.prior.bias was frozen"), "{said}");
}

#[test]
fn the_teacher_finds_the_latents_that_a_file_holds() {
    let scratch = prepared("learning-latents");
    let image = images(&scratch.images())[0].centre(64);
    let lambda = 300.0;
    let model = Model::new(parent().clone()).unwrap();
    let bytes = model.encode(&codec_image(&image), &EncodeOptions::new(lambda)).unwrap();
    let of_file = model.decode_latents(&bytes, &DecodeOptions::default()).unwrap();

    let device = Device::flex();
    let teacher = Teacher::new(&parent().clone().into(), &device).unwrap();
    let x = step::images(image.padded(64).0, 1, 64, 64, &device);
    let latents = teacher.latents(x, &[lambda]).latents;
    let spec = &parent().metadata.spec;
    let layout = Layout::new(spec);
    let network = Network::new(spec, &layout).unwrap();
    let weights = Weights::new(&layout, &export::values(&layout, &parent().weights).unwrap(), &device, |_| false);
    let embeddings = network.embed(&weights, &[lambda], None, &device);
    let levels = network.levels(&weights, &embeddings, None, [1, 1, 1], Quantise::Given(&latents), &device);
    let (mut far, mut count, mut symbols) = (0, 0, 0);
    for ((latent, level), map) in latents.into_iter().zip(levels).zip(&of_file.maps) {
        let got = latent.try_into_vec_as::<f32>().unwrap();
        let means = level.prior_mean().try_into_vec_as::<f32>().unwrap();
        assert_eq!(got.len(), map.data.len());
        count += got.len();
        far += got.iter().zip(&map.data).filter(|(a, b)| (*a - *b).abs() > 1e-3).count();
        symbols += got.iter().zip(&means).filter(|(z, mean)| (*z - *mean).abs() > 0.5).count();
    }
    assert!(symbols > 20, "only {symbols} symbols are not zero: this shows nothing");
    assert!(far * 1000 <= count, "{far} of {count} latents are others");
}

#[test]
fn the_loss_is_the_weighted_mean_over_new_and_replayed_images() {
    let scratch = prepared("learning-mean");
    let spec = &parent().metadata.spec;
    let layout = Layout::new(spec);
    let network = Network::new(spec, &layout).unwrap();
    let device = Device::flex().autodiff();
    let values = export::values(&layout, &parent().weights).unwrap();
    let weights = Weights::new(&layout, &values, &device, |name| !name.starts_with("entropy."));
    let ranges = Some(parent().metadata.lambda);
    let learner = |balance| Learner { network: &network, layout: &layout, ranges, balance, device: &device };
    let teacher = Teacher::new(&parent().clone().into(), &device).unwrap();
    let crops = |folder: PathBuf, n: usize| -> Vec<f32> {
        images(&folder).iter().take(n).flat_map(|p| p.centre(64).padded(64).0).collect()
    };
    let fresh = || heirloom_train::data::Batch {
        step: 0,
        crop: 64,
        pixels: crops(scratch.0.join("new"), 1),
        lambdas: vec![100.0],
    };
    let replay = || -> ReplayBatch {
        let content = Content::Images(crops(scratch.images(), 3));
        teacher.batch(ReplaySample { teacher: 0, crop: 64, lambdas: vec![40.0, 300.0, 1000.0], content }).unwrap()
    };
    let balanced = |input: StepInput, balance: Balance| {
        let mut out = vec![0f32; layout.len()];
        let cost = learner(balance).learn(&weights, input, Quantise::Noise { seed: 1, step: 0 }, &mut out).unwrap();
        (out, cost)
    };
    let gradient = |input| balanced(input, Balance::default());
    let (new, cost_new) = gradient(StepInput { fresh: Some(fresh()), replay: None });
    let (old, cost_old) = gradient(StepInput { fresh: None, replay: Some(replay()) });
    let (both, cost) = gradient(StepInput { fresh: Some(fresh()), replay: Some(replay()) });
    assert_eq!((cost.fresh, cost.replay), (cost_new.fresh, cost_old.replay));
    let (mut distance, mut size) = (0f64, 0f64);
    for ((new, old), both) in new.iter().zip(&old).zip(&both) {
        let want = 0.25 * f64::from(*new) + 0.75 * f64::from(*old);
        distance += (want - f64::from(*both)).powi(2);
        size += want.powi(2);
    }
    assert!(size > 0.0 && distance <= 1e-10 * size, "{distance:e} of {size:e}");
    // At four times the middle λ, the square root of it weighs half. What is told of the costs does not change.
    let balance = Balance { exponent: 0.5, middle: 25.0 };
    let (half, cost_half) = balanced(StepInput { fresh: Some(fresh()), replay: None }, balance);
    assert_eq!(cost_half, cost_new);
    assert!(half.iter().zip(&new).all(|(half, new)| (half - 0.5 * new).abs() <= 1e-5 * new.abs() + 1e-9));
    // Replay says nothing to the encoder, and neither part moves the entropy branch.
    for entry in layout.entries() {
        let zero = |values: &[f32]| values[entry.offset..entry.offset + entry.len].iter().all(|v| *v == 0.0);
        assert!(!entry.name.starts_with("encoder.") || zero(&old), "{}", entry.name);
        assert!(!entry.name.starts_with("entropy.") || zero(&both), "{}", entry.name);
    }
}

#[test]
fn an_archive_is_replayed_with_and_without_originals() {
    let scratch = prepared("learning-archive");
    archive(&scratch, parent(), "");
    let request = Request { replay_archive: Some(scratch.0.join("archive")), ..request(&scratch, 60) };
    let options_of = |run: &str| options(&scratch, "new", run);
    let checkpoint = learn(&request, &options_of("run")).unwrap();
    let lines = metrics(&scratch.0.join("run"));
    // At first the learner is the old generation: it makes the same images of the same latents.
    assert_eq!(lines[0]["replay_mse"].as_f64(), Some(0.0));
    assert!(lines[59]["replay_mse"].as_f64().unwrap() > 0.0);
    let kept = change(&scratch, child(&scratch.0.join("run"), &checkpoint, false));
    assert!(kept > -0.3, "{kept} dB");

    let originals = Request { originals: Some(scratch.images()), ..request };
    learn(&originals, &options_of("originals")).unwrap();
    let with = metrics(&scratch.0.join("originals"));
    assert!(with[0]["replay_mse"].as_f64().unwrap() > 1e-5);
}

#[test]
fn files_that_cannot_be_replayed_are_left_out_and_an_archive_without_others_is_refused() {
    let scratch = prepared("learning-left-out");
    let mut stranger = parent().weights.clone();
    let mut tensor = stranger.get("entropy.z1.prior.bias").unwrap().clone();
    tensor.data[0] += 0.25;
    stranger.insert("entropy.z1.prior.bias".into(), tensor);
    let ranges = LambdaRanges::all(LambdaRange::PRETRAINING);
    let stranger = ModelFile::new(parent().metadata.spec.clone(), ranges, stranger).unwrap();
    fs::create_dir_all(scratch.0.join("archive")).unwrap();
    let request = Request { replay_archive: Some(scratch.0.join("archive")), ..request(&scratch, 2) };
    let options = options(&scratch, "new", "run");
    let said = learn(&request, &options).unwrap_err().to_string();
    assert!(said.contains("holds no .hlm files"), "{said}");
    archive(&scratch, &stranger, "stranger");
    fs::write(scratch.0.join("archive/damaged.hlm"), b"\x89HLM\r\n\x1a\nno more").unwrap();
    let said = learn(&request, &options).unwrap_err().to_string();
    assert!(said.contains("can be replayed"), "{said}");
    archive(&scratch, parent(), "own");
    let checkpoint = learn(&request, &options).unwrap();
    assert_eq!(checkpoint.header.step, 2);
}

#[test]
fn a_run_that_is_stopped_and_resumed_ends_as_one_that_was_not() {
    let scratch = prepared("learning-resume");
    archive(&scratch, parent(), "");
    let config = settings(&scratch, "checkpoint_every = 4\nphases = [{ from_step = 0, crop = 64, batch = 2 }]");
    for (name, replay) in [("data", false), ("archive", true)] {
        let of = |run: &str| options(&scratch, "new", &format!("{name}-{run}"));
        let request = Request {
            replay_data: (!replay).then(|| scratch.images()),
            replay_archive: replay.then(|| scratch.0.join("archive")),
            config: Some(config.clone()),
            lambda: Some([32.0, 2048.0]),
            ..request(&scratch, 10)
        };
        let whole = learn(&request, &of("whole")).unwrap();
        learn(&request, &Options { stop_at: Some(6), ..of("parts") }).unwrap();
        // The model is in the run's folder: its own file is not needed again.
        let resumed = Request { from: None, config: None, lambda: None, ..request.clone() };
        let parts = learn(&resumed, &Options { resume: true, ..of("parts") }).unwrap();
        assert!(whole == parts, "{name}");
        assert_eq!(metrics(&of("whole").out), metrics(&of("parts").out));
        assert_eq!(whole.header.config.lambda, [32.0, 2048.0]);

        let refused = |request: Request, why: &str| {
            let said = learn(&request, &Options { resume: true, ..of("parts") }).unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        };
        refused(Request { strategy: Some(Strategy::Encoder), ..request.clone() }, "--strategy replay");
        refused(Request { replay_share: Some(0.25), ..request.clone() }, "--replay-share 0.5");
        refused(Request { lambda: Some([4.0, 1024.0]), ..request.clone() }, "--lambda 32:2048");
        refused(Request { replay_data: None, replay_archive: None, ..request.clone() }, "the run replays");
    }
    let said = trainer::train(
        &Config::from_file(&scratch.0.join("data-parts/config.toml")).unwrap(),
        &Options { resume: true, ..options(&scratch, "new", "data-parts") },
    );
    assert!(said.unwrap_err().to_string().contains("heirloom-train learn"));
}

#[test]
fn each_strategy_moves_what_it_says_and_widens_what_it_may() {
    let scratch = prepared("learning-strategies");
    let old = parent().metadata.lambda.entropy;
    let wide = LambdaRange { low: 4.0, high: 4096.0 };
    let moved = |file: &ModelFile, branch: &str| {
        file.weights
            .iter()
            .filter(|(name, tensor)| name.starts_with(branch) && parent().weights.get(name) != Some(*tensor))
            .count()
    };
    for (strategy, ranges, moves) in [
        (Strategy::Replay, [old, wide, wide], [false, true, true]),
        (Strategy::Encoder, [old, wide, old], [false, true, false]),
        (Strategy::EndToEnd, [wide, wide, wide], [true, true, true]),
    ] {
        let share = (strategy == Strategy::Replay).then(|| scratch.images());
        let lambda = Some([wide.low, wide.high]);
        let strategy_of = Some(strategy);
        let request = Request { strategy: strategy_of, lambda, replay_data: share, ..request(&scratch, 3) };
        let options = options(&scratch, "new", strategy.name());
        let checkpoint = learn(&request, &options).unwrap();
        let file = child(&options.out, &checkpoint, true);
        let found = file.metadata.lambda;
        assert_eq!([found.entropy, found.encoder, found.reconstruction], ranges, "{strategy:?}");
        for (branch, moves) in ["entropy.", "encoder.", "reconstruction."].iter().zip(moves) {
            assert_eq!(moved(&file, branch) > 0, moves, "{strategy:?} {branch}");
        }
        let lineage = file.metadata.lineage;
        let notes = &file.metadata.provenance.notes;
        assert_eq!(notes["strategy"], strategy.name());
        assert_eq!(notes["learned_from"], parent().metadata.lineage.generation_id.to_string());
        let same: EntropyId = parent().metadata.lineage.entropy_id;
        let end_to_end = strategy == Strategy::EndToEnd;
        assert_eq!((lineage.entropy_id == same, lineage.parent.is_none()), (!end_to_end, end_to_end));
        // The learned model codes at the new ends.
        let model = Model::new(file).unwrap();
        let image = codec_image(&images(&scratch.images())[0]);
        for lambda in [wide.low, wide.high] {
            let bytes = model.encode(&image, &EncodeOptions::new(lambda)).unwrap();
            model.decode(&bytes, &DecodeOptions::default()).unwrap();
        }
    }
}

#[test]
fn a_chain_replays_every_earlier_generation() {
    let scratch = prepared("learning-chain");
    let first = options(&scratch, "new", "first");
    let checkpoint = learn(&with_data(&scratch, 2), &first).unwrap();
    let middle = child(&first.out, &checkpoint, false);
    let (path, elsewhere) = (scratch.0.join("middle.safetensors"), scratch.0.join("elsewhere"));
    put(&path, &middle);
    fs::create_dir_all(&elsewhere).unwrap();

    // The grandparent is in the store; then it is named; then it is nowhere.
    let request = Request { from: Some(path), ..with_data(&scratch, 4) };
    let grandparent = parent().metadata.lineage.generation_id;
    let second = options(&scratch, "new", "second");
    let of_store = learn(&request, &second).unwrap();
    let settings = of_store.header.config.learn.clone().unwrap();
    assert_eq!((settings.from, settings.ancestors), (middle.metadata.lineage.generation_id, vec![grandparent]));
    let last = child(&second.out, &of_store, false).metadata.lineage;
    assert_eq!((last.generation, last.parent), (2, Some(middle.metadata.lineage.generation_id)));

    let lost = Request { store: Some(elsewhere), ..request };
    let ancestors = vec![scratch.0.join("parent.safetensors")];
    let named = learn(&Request { ancestors, ..lost.clone() }, &options(&scratch, "new", "named")).unwrap();
    assert!(named == of_store);
    let said = learn(&lost, &options(&scratch, "new", "lost")).unwrap_err().to_string();
    assert!(said.contains(&grandparent.to_string()) && said.contains("--ancestor"), "{said}");
    let without = Request { without_missing: true, ..lost };
    let checkpoint = learn(&without, &options(&scratch, "new", "lost")).unwrap();
    assert!(checkpoint.header.config.learn.unwrap().ancestors.is_empty());
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_written() {
    let scratch = prepared("learning-refused");
    let refused = |request: Request, why: &str| {
        let options = options(&scratch, "new", "run");
        match learn(&request, &options) {
            Err(
                e @ (TrainError::Config(_)
                | TrainError::Model(_)
                | TrainError::Store(_)
                | TrainError::Data(_)
                | TrainError::Io { .. }),
            ) => assert!(e.to_string().contains(why), "{e}"),
            Err(e) => panic!("{e}"),
            Ok(_) => panic!("not refused: {why}"),
        }
        assert!(!options.out.join("config.toml").exists(), "{why}");
    };
    let plain = request(&scratch, 2);
    let data = with_data(&scratch, 2);
    refused(Request { from: None, ..data.clone() }, "--from");
    refused(Request { from: Some("nowhere".into()), ..data.clone() }, "there is no nowhere");
    refused(plain.clone(), "--replay-data OLD_IMAGES or --replay-archive");
    refused(Request { replay_share: Some(1.5), ..data.clone() }, "within 0 to 1");
    refused(Request { replay_share: Some(0.0), ..data.clone() }, "nothing is replayed");
    refused(Request { replay_share: Some(0.01), ..data.clone() }, "cannot be split");
    refused(Request { strategy: Some(Strategy::Encoder), ..data.clone() }, "encoder replays nothing");
    refused(Request { lambda: Some([100.0, 50.0]), ..data.clone() }, "lambda must be");
    refused(Request { ancestors: vec![scratch.0.join("parent.safetensors")], ..data.clone() }, "is no ancestor of");
    refused(Request { originals: Some(scratch.images()), ..data.clone() }, "--replay-archive");
    let config = settings(&scratch, "network = { width = 32, embedding = 32 }");
    refused(Request { config: Some(config), ..data.clone() }, "the network is that of the model");
    settings(&scratch, "");
    let mut bytes = fs::read(scratch.0.join("parent.safetensors")).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(scratch.0.join("altered.safetensors"), bytes).unwrap();
    refused(Request { from: Some(scratch.0.join("altered.safetensors")), ..data }, "altered");
}

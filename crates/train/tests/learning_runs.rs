//! Runs that learn from a model: resuming, strategies, chains of generations, and what is refused.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use std::{fs, path::PathBuf};

use burn::tensor::Device;
use common::{
    learning::{archive, child, codec_image, images, options, parent, prepared, put, request, settings, with_data},
    metrics, with_options,
};
use heirloom_codec::{
    DecodeOptions, EncodeOptions, Model,
    model::{Branch, EntropyId, LambdaRange, LambdaRanges, ModelFile, Spec},
};
use heirloom_train::{
    TrainError,
    model::{Layout, Network, Quantise, System, Weights},
    replay::{LearningPlan, Request, learn},
    trainer::{self, Config, Options, export, learn_config::Strategy, step},
};

#[test]
fn files_that_cannot_be_replayed_are_left_out_and_an_archive_without_others_is_refused() {
    let scratch = prepared("learning-left-out");
    let mut stranger = parent().weights.clone();
    stranger.floats_mut("entropy.z1.prior.bias").unwrap()[0] += 0.25;
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
        let file = child(&options.out, &checkpoint);
        let found = file.metadata.lambda;
        assert_eq!([found.entropy, found.encoder, found.reconstruction], ranges, "{strategy:?}");
        for (branch, moves) in ["entropy.", "encoder.", "reconstruction."].iter().zip(moves) {
            assert_eq!(moved(&file, branch) > 0, moves, "{strategy:?} {branch}");
        }
        let lineage = file.metadata.lineage.clone();
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
            let bytes = model
                .encode(&image, &EncodeOptions::new(lambda).with_lossless(heirloom_codec::Lossless::Never))
                .unwrap();
            model.decode(&bytes, &DecodeOptions::default()).unwrap();
        }
    }
}

#[test]
fn add_ons_are_new_heads_and_every_later_generation_has_them() {
    let scratch = prepared("learning-add-ons");
    let mut chain = vec![parent().clone()];
    for (strategy, add_ons) in [(Strategy::AddOn, 1), (Strategy::Replay, 1), (Strategy::AddOn, 2)] {
        let number = chain.len();
        let from = scratch.0.join(format!("{number}.safetensors"));
        put(&from, &chain[number - 1]);
        let request = Request { strategy: Some(strategy), from: Some(from.into()), ..with_data(&scratch, 3) };
        let options = options(&scratch, "new", &format!("run{number}"));
        let checkpoint = learn(&request, &options).unwrap();
        let file = child(&options.out, &checkpoint);
        assert_eq!(file.metadata.provenance.strategy(), Some(strategy));
        assert_eq!(file.metadata.lineage.add_ons.len(), add_ons);
        assert_eq!(chain[number - 1].entropy_difference(&file), None);
        if strategy == Strategy::AddOn {
            let newest = file.weights.with_heads(add_ons);
            for (name, tensor) in chain[number - 1].weights.with_heads(add_ons - 1).branch(Branch::Entropy) {
                let is_head = heirloom_codec::model::add_on::is_head(name);
                assert!(is_head || newest.get(name) == Some(tensor), "{name}");
            }
            // Where the next one starts.
            let floats = export::floats(&file).unwrap();
            assert_eq!(&newest.to_floats(&file.metadata.spec).unwrap(), &floats);
        }
        chain.push(file);
    }
    let models: Vec<Model> = chain.into_iter().map(|file| Model::new(file).unwrap()).collect();
    let image = codec_image(&images(&scratch.images())[0]);
    let options = DecodeOptions::default();
    for (number, writer) in models.iter().enumerate() {
        let lossy = EncodeOptions::new(128.0).with_lossless(heirloom_codec::Lossless::Never);
        let bytes = writer.encode(&image, &lossy).unwrap();
        let latents = writer.decode_latents(&bytes, &options).unwrap();
        assert_eq!(models.iter().filter(|model| model.reads(&latents.header)).count(), [4, 3, 3, 1][number]);
        for reader in models[number..].iter() {
            assert_eq!(reader.decode_latents(&bytes, &options).unwrap(), latents);
        }
    }
}

#[test]
fn options_of_the_network_are_added_end_to_end() {
    let scratch = prepared("learning-options");
    let spec = with_options(parent().metadata.spec.clone());
    let numbers = toml::Table::try_from(&spec).unwrap();
    let whole = Request { strategy: Some(Strategy::EndToEnd), ..request(&scratch, 3) };
    settings(&scratch, &format!("[network]\n{numbers}"));
    let options = options(&scratch, "new", "run");
    let in_part = Request { strategy: Some(Strategy::Encoder), ..whole.clone() };
    let said = learn(&in_part, &options).err().unwrap().to_string();
    assert!(said.contains("end-to-end"), "{said}");
    let checkpoint = learn(&whole, &options).unwrap();
    let plan = LearningPlan::of_run(&options.out, &checkpoint.header.config).unwrap();
    let layout = Layout::new(&spec);
    for (name, tensor) in export::floats(parent()).unwrap().iter() {
        let entry = layout.entry(name).unwrap();
        assert_eq!(plan.start[entry.offset..entry.offset + entry.len], tensor.data[..], "{name}");
    }
    let step = layout.entry("entropy.z3.step").unwrap();
    let range = step.offset..step.offset + step.len;
    assert!(plan.start[range.clone()].iter().all(|v| *v == 0.0));
    assert!(checkpoint.state.weights[range].iter().any(|v| *v != 0.0));
    let file = child(&options.out, &checkpoint);
    assert_eq!((&file.metadata.spec, file.metadata.lineage.parent), (&spec, None));
    assert_ne!(file.metadata.lineage.entropy_id, parent().metadata.lineage.entropy_id);
    assert_eq!(ModelFile::from_bytes(&file.to_bytes().unwrap()).unwrap(), file);
}

#[test]
fn a_generation_with_more_blocks_starts_as_its_parent_and_reads_its_files() {
    let scratch = prepared("learning-blocks");
    let old = parent().metadata.spec.clone();
    let spec =
        Spec { encoder_blocks: [1, 2, 1, 1, 1], reconstruction_out: [1, 1, 1, 2], tail_blocks: 2, ..old.clone() };
    let options = options(&scratch, "new", "run");
    let encoder = Request { strategy: Some(Strategy::Encoder), ..request(&scratch, 3) };
    let replay = with_data(&scratch, 3);
    settings(&scratch, &format!("[network]\n{}", toml::Table::try_from(&spec).unwrap()));
    let said = learn(&encoder, &options).unwrap_err().to_string();
    assert!(said.contains("encoder alone"), "{said}");

    let checkpoint = learn(&replay, &options).unwrap();
    let plan = LearningPlan::of_run(&options.out, &checkpoint.header.config).unwrap();
    let coded = |spec: &Spec, values: &[f32]| {
        let (layout, device) = (Layout::new(spec), Device::flex());
        let network = Network::new(spec, &layout).unwrap();
        let weights = Weights::new(&layout, values, &device, |_| false);
        let pixels: Vec<f32> = (0..64 * 64 * 3).map(|i| (i as f32 * 0.37).sin()).collect();
        let image = step::images(pixels, 1, 64, 64, &device);
        network.code(&weights, image, &[100.0], None, Quantise::Round).image.try_into_vec_as::<f32>().unwrap()
    };
    let parents = export::values(&Layout::new(&old), &export::floats(parent()).unwrap()).unwrap();
    assert_eq!(coded(&spec, &plan.start), coded(&old, &parents));
    assert_ne!(coded(&spec, &checkpoint.state.weights), coded(&old, &parents));

    let file = child(&options.out, &checkpoint);
    let lineage = &file.metadata.lineage;
    assert_eq!((&file.metadata.spec, lineage.generation), (&spec, 1));
    assert_eq!(lineage.entropy_id, parent().metadata.lineage.entropy_id);
    assert_eq!(parent().entropy_difference(&file), None);
    let again = Request { from: None, config: None, steps: Some(4), ..replay };
    let resumed = learn(&again, &Options { resume: true, ..options }).unwrap();
    assert_eq!(resumed.header.step, 4);
}

#[test]
fn a_chain_replays_every_earlier_generation() {
    let scratch = prepared("learning-chain");
    let first = options(&scratch, "new", "first");
    let checkpoint = learn(&with_data(&scratch, 2), &first).unwrap();
    let middle = child(&first.out, &checkpoint);
    let (path, elsewhere) = (scratch.0.join("middle.safetensors"), scratch.0.join("elsewhere"));
    put(&path, &middle);
    fs::create_dir_all(&elsewhere).unwrap();

    // The grandparent is in the store; then it is named; then it is nowhere.
    let request = Request { from: Some(path.into()), ..with_data(&scratch, 4) };
    let grandparent = parent().metadata.lineage.generation_id;
    let second = options(&scratch, "new", "second");
    let of_store = learn(&request, &second).unwrap();
    let settings = of_store.header.config.learn.clone().unwrap();
    assert_eq!((settings.from, settings.ancestors), (middle.metadata.lineage.generation_id, vec![grandparent]));
    let last = child(&second.out, &of_store).metadata.lineage;
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
    refused(Request { from: Some(PathBuf::from("nowhere").into()), ..data.clone() }, "nowhere: there is no such model");
    refused(plain.clone(), "--replay-data OLD_IMAGES or --replay-archive");
    refused(Request { replay_share: Some(1.5), ..data.clone() }, "within 0 to 1");
    refused(Request { replay_share: Some(0.0), ..data.clone() }, "nothing is replayed");
    refused(Request { replay_share: Some(0.01), ..data.clone() }, "cannot be split");
    refused(Request { strategy: Some(Strategy::Encoder), ..data.clone() }, "encoder replays nothing");
    let whole = Request { strategy: Some(Strategy::AddOn), replay_share: Some(1.0), ..data.clone() };
    refused(whole, "an add-on learns from new images");
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
    refused(Request { from: Some(scratch.0.join("altered.safetensors").into()), ..data }, "altered");
}

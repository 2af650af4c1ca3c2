//! Learning from a model: old files, made by the codec, stay readable and look no worse; frozen
//! weights stay to the bit.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use std::path::PathBuf;

use burn::tensor::Device;
use common::{
    Scratch,
    learning::{archive, child, codec_image, entropy, images, options, parent, prepared, psnr, request, with_data},
    metrics,
};
use heirloom_codec::{DecodeOptions, EncodeOptions, Model, model::ModelFile};
use heirloom_train::{
    data::Batch,
    model::{Layout, Network, Quantise, Weights},
    replay::{LearningPlan, ReplaySample, Request, Teacher, learn, sample::Content},
    trainer::{
        calibration::Calibration,
        export,
        step::{self, Balance, Learner, ReplayBatch, StepInput},
    },
};

/// Change of the mean PSNR of the parent's files in a newer model, against that of the
/// parent's own images. All latents must be the same.
fn change(scratch: &Scratch, newer: ModelFile) -> f64 {
    let (old, new) = (Model::new(parent().clone()).unwrap(), Model::new(newer).unwrap());
    let exact = DecodeOptions::default();
    let mut differences = Vec::new();
    for image in images(&scratch.images()) {
        let original = codec_image(&image);
        for lambda in [32.0, 181.0, 1024.0] {
            let bytes = old
                .encode(&original, &EncodeOptions::new(lambda).with_lossless(heirloom_codec::Lossless::Never))
                .unwrap();
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
        (child(&options.out, &checkpoint), metrics(&options.out))
    };
    let (with, lines) = run("with", with_data(&scratch, 300));
    let (without, _) = run("without", Request { replay_share: Some(0.0), ..request(&scratch, 300) });
    for file in [&with, &without] {
        assert!(entropy(file) == entropy(parent()));
    }
    let own = &with.metadata.lineage;
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
fn frozen_weights_are_the_parents_to_the_bit() {
    let scratch = prepared("learning-bits");
    let options = options(&scratch, "new", "run");
    let checkpoint = learn(&with_data(&scratch, 3), &options).unwrap();
    let file = child(&options.out, &checkpoint);
    assert!(entropy(&file) == entropy(parent()));
    assert_ne!(file.weights, parent().weights);
    // What is written is read back, ids included.
    assert_eq!(ModelFile::from_bytes(&file.to_bytes().unwrap()).unwrap(), file);
    let mut altered = checkpoint.clone();
    let layout = Layout::new(altered.header.spec.as_ref().unwrap());
    altered.state.ema[layout.entry("entropy.z2.prior.bias").unwrap().offset] += 1e-6;
    let plan = LearningPlan::of_run(&options.out, &altered.header.config).unwrap();
    let said = plan.child(&altered, &Calibration::artificial(), false).unwrap_err().to_string();
    assert!(said.contains("entropy.z2.prior.bias was frozen"), "{said}");
}

#[test]
fn the_teacher_finds_the_latents_that_a_file_holds() {
    let scratch = prepared("learning-latents");
    let image = images(&scratch.images())[0].centre(64);
    let lambda = 300.0;
    let model = Model::new(parent().clone()).unwrap();
    let bytes = model
        .encode(&codec_image(&image), &EncodeOptions::new(lambda).with_lossless(heirloom_codec::Lossless::Never))
        .unwrap();
    let of_file = model.decode_latents(&bytes, &DecodeOptions::default()).unwrap();

    let device = Device::flex();
    let teacher = Teacher::new(&parent().clone().into(), &device).unwrap();
    let x = step::images(image.padded(64).0, 1, 64, 64, &device);
    let latents = teacher.latents(x, &[lambda]).latents;
    let spec = &parent().metadata.spec;
    let layout = Layout::new(spec);
    let network = Network::new(spec, &layout).unwrap();
    let weights =
        Weights::new(&layout, &export::values(&layout, &export::floats(parent()).unwrap()).unwrap(), &device, |_| {
            false
        });
    let embeddings = network.embed(&weights, &[lambda], None, &device);
    let levels = network.levels(&weights, &embeddings, None, [1, 1, 1], Quantise::Given(&latents), &device);
    let (mut far, mut count, mut symbols) = (0, 0, 0);
    for ((latent, level), map) in latents.into_iter().zip(levels).zip(of_file.single().unwrap()) {
        let got = latent.try_into_vec_as::<f32>().unwrap();
        let means = level.prior_mean().try_into_vec_as::<f32>().unwrap();
        assert_eq!(got.len(), map.data.len());
        count += got.len();
        // The teacher computes in floats what the codec computes in integers: means differ a little,
        // and a symbol only where its value lies near the middle between two.
        far += got.iter().zip(&map.data).filter(|(a, b)| (*a - *b).abs() > 0.1).count();
        symbols += got.iter().zip(&means).filter(|(z, mean)| (*z - *mean).abs() > 0.5).count();
    }
    assert!(symbols > 20, "only {symbols} symbols are not zero: this shows nothing");
    assert!(far * 100 <= count, "{far} of {count} latents are others");
}

#[test]
fn the_loss_is_the_weighted_mean_over_new_and_replayed_images() {
    let scratch = prepared("learning-mean");
    let spec = &parent().metadata.spec;
    let layout = Layout::new(spec);
    let network = Network::new(spec, &layout).unwrap();
    let device = Device::flex().autodiff();
    let values = export::values(&layout, &export::floats(parent()).unwrap()).unwrap();
    let weights = Weights::new(&layout, &values, &device, |name| !name.starts_with("entropy."));
    let ranges = Some(parent().metadata.lambda);
    let learner = |balance| Learner { network: &network, layout: &layout, ranges, balance, device: &device };
    let teacher = Teacher::new(&parent().clone().into(), &device).unwrap();
    let crops = |folder: PathBuf, n: usize| -> Vec<f32> {
        images(&folder).iter().take(n).flat_map(|p| p.centre(64).padded(64).0).collect()
    };
    let fresh = || Batch { step: 0, crop: 64, pixels: crops(scratch.0.join("new"), 1), lambdas: vec![100.0] };
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
    // At four times the middle λ, an exponent of 0.5 halves the weight. The costs do not change.
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
    let kept = change(&scratch, child(&scratch.0.join("run"), &checkpoint));
    assert!(kept > -0.3, "{kept} dB");

    let originals = Request { originals: Some(scratch.images()), ..request };
    learn(&originals, &options_of("originals")).unwrap();
    let with = metrics(&scratch.0.join("originals"));
    assert!(with[0]["replay_mse"].as_f64().unwrap() > 1e-5);
}

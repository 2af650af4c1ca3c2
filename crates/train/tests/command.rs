//! The command: messages about unusable data, and the way from images to a model file.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use common::{Scratch, draw, metrics, with_options};
use heirloom_codec::{
    EncodeOptions, Image, Model,
    image::PixelFormat,
    internals::reference,
    model::{LambdaRange, Metadata, ModelFile, Spec},
};
use heirloom_train::trainer::{
    Config,
    network_config::NetworkConfig,
    presets::{BASELINES, LEARNING, PRESETS},
};

fn program(arguments: &[&str], paths: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heirloom-train"));
    command.args(arguments);
    for (flag, path) in paths {
        command.arg(flag).arg(path);
    }
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn unreadable_images_are_named_and_the_run_leads_to_a_model() {
    let scratch = Scratch::new("command");
    let (run, model) = (scratch.0.join("run"), scratch.0.join("model.safetensors"));
    draw(&scratch.images(), 2);
    fs::write(scratch.images().join("broken.jpg"), b"no jpeg").unwrap();
    fs::write(scratch.images().join("cut.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    fs::write(scratch.images().join("notes.txt"), b"not looked at").unwrap();

    let train = ["train", "--preset", "tiny", "--steps", "2"];
    let out = program(&train, &[("--data", &scratch.images()), ("--out", &run)]);
    let said = text(&out.stderr);
    assert!(out.status.success(), "{said}");
    for name in ["broken.jpg", "cut.png"] {
        assert!(said.lines().any(|line| line.starts_with("left out") && line.contains(name)), "{said}");
    }
    assert!(!said.contains("notes.txt") && text(&out.stdout).contains("2 images"), "{said}");
    let kinds: Vec<_> = metrics(&run).iter().map(|m| (m["kind"].clone(), m["step"].clone())).collect();
    assert_eq!(kinds, [("train".into(), 2.into()), ("probe".into(), 2.into())]);

    let again = program(&train, &[("--data", &scratch.images()), ("--out", &run)]);
    assert!(!again.status.success() && text(&again.stderr).contains("already holds a run"));

    let licence = "MIT OR Apache-2.0";
    let out = program(&["export", &run.to_string_lossy(), "--licence", licence], &[("-o", &model)]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let Metadata { spec, provenance, licence: named, .. } =
        ModelFile::from_bytes(&fs::read(&model).unwrap()).unwrap().metadata;
    assert_eq!((spec, provenance.steps, &*named), (Spec::tiny(), Some(2), licence));

    let validate = ["validate", &model.to_string_lossy(), "--lambda", "64", "--limit", "1", "--json"];
    let out = program(&validate, &[("--data", &scratch.images())]);
    let point: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((point["lambda"].as_f64(), point["images"].as_u64()), (Some(64.0), Some(1)));
    assert!(point["psnr"].as_f64().unwrap().is_finite());
}

#[test]
fn a_folder_without_images_is_an_error() {
    let scratch = Scratch::new("command-empty");
    let run = scratch.0.join("run");
    let train = ["train", "--preset", "tiny", "--steps", "2"];
    let out = program(&train, &[("--data", &scratch.images()), ("--out", &run)]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("holds no images"), "{}", text(&out.stderr));
    let missing = scratch.0.join("nowhere");
    let out = program(&train, &[("--data", &missing), ("--out", &run)]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("nowhere"), "{}", text(&out.stderr));
}

#[test]
fn a_baseline_is_trained_and_measured_but_makes_no_model_file() {
    let scratch = Scratch::new("command-baseline");
    draw(&scratch.images(), 2);
    let [config, run, model, report] =
        ["config.toml", "run", "model.safetensors", "report.json"].map(|name| scratch.0.join(name));
    let network = "network = { system = \"msh-vr\", n = 8, m = 12, embedding = 16 }";
    fs::write(&config, format!("preset = \"tiny\"\n{network}\n")).unwrap();
    let train = ["train", "--steps", "2"];
    let out = program(&train, &[("--config", &config), ("--data", &scratch.images()), ("--out", &run)]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let out = program(&["export", &run.to_string_lossy()], &[("-o", &model)]);
    assert!(!out.status.success() && text(&out.stderr).contains("baseline msh-vr"), "{}", text(&out.stderr));

    let measure = ["measure", &run.to_string_lossy(), "--lambda", "64,512", "--dataset", "drawn"];
    let paths: [(&str, &Path); 2] = [("--data", &scratch.images()), ("-o", &report)];
    let out = program(&measure, &paths);
    assert!(out.status.success() && text(&out.stdout).contains("estimated"), "{}", text(&out.stderr));
    let found: serde_json::Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!((found["system"].as_str(), found["dataset"].as_str()), (Some("msh-vr"), Some("drawn")));
    assert_eq!(found["records"].as_array().unwrap().len(), 4);
    assert!(found["points"][1]["estimated_bpp"].is_f64() && found["points"][1].get("bpp").is_none());
    let out = program(&measure, &paths);
    assert!(!out.status.success() && text(&out.stderr).contains("--force"), "{}", text(&out.stderr));
}

#[test]
fn a_pack_takes_the_place_of_a_folder() {
    let scratch = Scratch::new("command-pack");
    draw(&scratch.images(), 2);
    let [pack, run] = ["drawn.pack", "run"].map(|name| scratch.0.join(name));
    let images = scratch.images();
    let arguments = ["pack", &images.to_string_lossy(), "--max-side", "100"];
    let out = program(&arguments, &[("-o", &pack)]);
    assert!(out.status.success() && text(&out.stdout).contains("2 images"), "{}", text(&out.stderr));
    let again = program(&arguments, &[("-o", &pack)]);
    assert!(!again.status.success() && text(&again.stderr).contains("--force"), "{}", text(&again.stderr));
    let train = ["train", "--preset", "tiny", "--steps", "2", "--quiet"];
    let out = program(&train, &[("--data", &pack), ("--out", &run)]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!((text(&out.stdout), text(&out.stderr)), (String::new(), String::new()));
    let out = program(&["measure", &run.to_string_lossy(), "--lambda", "64"], &[("--data", &pack)]);
    assert!(out.status.success() && text(&out.stdout).contains("estimated"), "{}", text(&out.stderr));
    fs::write(&pack, b"no pack").unwrap();
    let out = program(&train, &[("--data", &pack), ("--out", &scratch.0.join("other"))]);
    assert!(!out.status.success() && text(&out.stderr).contains("drawn.pack: it is no pack"), "{}", text(&out.stderr));
}

#[test]
fn presets_are_printed_as_configurations() {
    for name in [&PRESETS[..], &LEARNING, &BASELINES].concat() {
        let out = program(&["preset", name], &[]);
        assert_eq!(Config::from_toml(&text(&out.stdout)).unwrap(), Config::preset(name).unwrap());
    }
    assert!(!program(&["preset", "huge"], &[]).status.success());
}

#[test]
fn options_that_a_model_lacks_are_named_in_one_line() {
    let scratch = Scratch::new("command-options");
    draw(&scratch.images(), 1);
    let [model, config, run] = ["model.safetensors", "config.toml", "run"].map(|name| scratch.0.join(name));
    let file = reference::model(Spec::tiny()).unwrap();
    fs::write(&model, file.to_bytes().unwrap()).unwrap();
    let network = NetworkConfig::Full(Box::new(with_options(Spec::tiny())));
    fs::write(&config, Config { network, ..Config::preset("tiny").unwrap() }.to_toml().unwrap()).unwrap();
    let images = scratch.images();
    for (arguments, flag) in [
        (["train", "--steps", "1"].as_slice(), "--init"),
        (&["learn", "--steps", "1", "--strategy", "end-to-end"], "--from"),
    ] {
        let out = run.join(flag);
        let paths: [(&str, &Path); 4] = [(flag, &model), ("--config", &config), ("--data", &images), ("--out", &out)];
        let out = program(arguments, &paths);
        let said = text(&out.stdout) + &text(&out.stderr);
        assert!(out.status.success(), "{said}");
        let line = "the model lacks 26 tensors, encoder.linear.weight to reconstruction.linear.bias: they start without effect";
        assert_eq!(said.lines().filter(|said| said.contains(line)).count(), 1, "{said}");
    }
}

#[test]
fn an_archive_leads_to_the_next_generation_also_on_one_thread() {
    let scratch = Scratch::new("command-learn");
    draw(&scratch.images(), 2);
    let [run, parent, child, archive] =
        ["run", "parent.safetensors", "child.safetensors", "archive"].map(|name| scratch.0.join(name));
    let file = reference::model(Spec::tiny()).unwrap();
    fs::write(&parent, file.to_bytes().unwrap()).unwrap();
    fs::create_dir(&archive).unwrap();
    let image = Image::new(100, 70, PixelFormat::Grey8, (0..7000).map(|i| (i % 251) as u8).collect()).unwrap();
    let bytes = Model::new(file.clone())
        .unwrap()
        .encode(&image, &EncodeOptions::new(200.0).with_lossless(heirloom_codec::Lossless::Never))
        .unwrap();
    fs::write(archive.join("own.hlm"), &bytes).unwrap();
    fs::write(archive.join("cut.hlm"), &bytes[..bytes.len() - 1]).unwrap();

    let learn = ["--threads", "1", "learn", "--steps", "2", "--lambda", "16:1024"];
    let paths = [("--from", &*parent), ("--data", &scratch.images()), ("--out", &run)];
    let out = program(&learn, &paths);
    assert!(!out.status.success() && text(&out.stderr).contains("--replay-archive"), "{}", text(&out.stderr));
    let out = program(&learn, &[&paths[..], &[("--replay-archive", &archive)]].concat());
    let said = text(&out.stderr);
    assert!(out.status.success(), "{said}");
    assert!(said.lines().any(|line| line.starts_with("left out") && line.contains("cut.hlm")), "{said}");
    let last = metrics(&run).into_iter().find(|line| line["kind"] == "train").unwrap();
    assert!(last["replay_loss"].is_f64() && last["loss"].is_f64(), "{last}");

    let out = program(&["train", "--resume"], &paths[1..]);
    assert!(!out.status.success() && text(&out.stderr).contains("heirloom-train learn"), "{}", text(&out.stderr));
    let out = program(&["export", &run.to_string_lossy()], &[("-o", &child)]);
    assert!(out.status.success() && text(&out.stdout).contains("generation 1"), "{}", text(&out.stderr));
    let learned = ModelFile::from_bytes(&fs::read(&child).unwrap()).unwrap();
    assert!(file.entropy_difference(&learned).is_none());
    assert_eq!(learned.metadata.lineage.parent, Some(file.metadata.lineage.generation_id));
    assert_eq!(learned.metadata.lambda.encoder, LambdaRange { low: 16.0, high: 1024.0 });

    // λ below the entropy branch's range, as the codec takes it: clamped.
    let validate = ["validate", &run.to_string_lossy(), "--lambda", "16", "--json"];
    let out = program(&validate, &[("--data", &scratch.images())]);
    assert!(text(&out.stdout).contains("\"lambda\":16.0"), "{}", text(&out.stderr));
}

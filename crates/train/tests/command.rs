//! The program: what it says about unusable data, and the way from pictures to a model file.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use common::{Scratch, draw, metrics};
use heirloom_codec::model::{ModelFile, Spec};
use heirloom_train::trainer::{Config, presets::PRESETS};

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
fn unreadable_pictures_are_named_and_the_run_leads_to_a_model() {
    let scratch = Scratch::new("command");
    let (run, model) = (scratch.0.join("run"), scratch.0.join("model.safetensors"));
    draw(&scratch.pictures(), 2);
    fs::write(scratch.pictures().join("broken.jpg"), b"no jpeg").unwrap();
    fs::write(scratch.pictures().join("cut.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    fs::write(scratch.pictures().join("notes.txt"), b"not looked at").unwrap();

    let train = ["train", "--preset", "tiny", "--steps", "2"];
    let out = program(&train, &[("--data", &scratch.pictures()), ("--out", &run)]);
    let said = text(&out.stderr);
    assert!(out.status.success(), "{said}");
    for name in ["broken.jpg", "cut.png"] {
        assert!(said.lines().any(|line| line.starts_with("left out") && line.contains(name)), "{said}");
    }
    assert!(!said.contains("notes.txt") && text(&out.stdout).contains("2 pictures"), "{said}");
    let kinds: Vec<_> = metrics(&run).iter().map(|m| (m["kind"].clone(), m["step"].clone())).collect();
    assert_eq!(kinds, [("train".into(), 2.into()), ("probe".into(), 2.into())]);

    let again = program(&train, &[("--data", &scratch.pictures()), ("--out", &run)]);
    assert!(!again.status.success() && text(&again.stderr).contains("already holds a run"));

    let out = program(&["export", &run.to_string_lossy()], &[("-o", &model)]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let file = ModelFile::from_bytes(&fs::read(&model).unwrap()).unwrap();
    assert_eq!((file.metadata.spec, file.metadata.provenance.steps), (Spec::tiny(), Some(2)));

    let validate = ["validate", &model.to_string_lossy(), "--lambda", "64", "--limit", "1", "--json"];
    let out = program(&validate, &[("--data", &scratch.pictures())]);
    let point: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((point["lambda"].as_f64(), point["pictures"].as_u64()), (Some(64.0), Some(1)));
    assert!(point["psnr"].as_f64().unwrap().is_finite());
}

#[test]
fn a_folder_without_pictures_is_an_error() {
    let scratch = Scratch::new("command-empty");
    let run = scratch.0.join("run");
    let train = ["train", "--preset", "tiny", "--steps", "2"];
    let out = program(&train, &[("--data", &scratch.pictures()), ("--out", &run)]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("holds no pictures"), "{}", text(&out.stderr));
    let missing = scratch.0.join("nowhere");
    let out = program(&train, &[("--data", &missing), ("--out", &run)]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("nowhere"), "{}", text(&out.stderr));
}

#[test]
fn presets_are_printed_as_configurations() {
    for name in PRESETS {
        let out = program(&["preset", name], &[]);
        assert_eq!(Config::from_toml(&text(&out.stdout)).unwrap(), Config::preset(name).unwrap());
    }
    assert!(!program(&["preset", "huge"], &[]).status.success());
}

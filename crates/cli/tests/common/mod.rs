//! A temporary folder with a small model whose weights are given by a formula, and images to
//! encode.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "each test file uses its own part of the helpers"
)]

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use assert_cmd::Command;
use heirloom_codec::internals::reference;
use heirloom_codec::model::{LambdaRange, LambdaRanges, ModelFile, Spec};
use heirloom_store::StoredModel;
use image::{DynamicImage, GrayImage, RgbImage};

pub struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    /// An empty folder with `tiny.safetensors`, a model of random weights.
    pub fn new() -> Self {
        let sandbox = Self { folder: tempfile::tempdir().unwrap() };
        sandbox.put("tiny.safetensors", &tiny().to_bytes().unwrap());
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub fn get(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(self.folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The command, in this folder, with the folder `models` as its store.
    pub fn heirloom(&self, arguments: &str) -> Command {
        let mut command = Command::cargo_bin("heirloom").unwrap();
        command.current_dir(self.folder.path()).args(arguments.split_whitespace());
        // Networks of random weights serve no image well, so that nothing would be coded by them.
        if arguments.starts_with("encode ") && !arguments.contains("--lossless") {
            command.arg("--lossless=never");
        }
        command.env("HEIRLOOM_MODELS", self.path("models"));
        command
    }

    /// Starts the command, with its output discarded, and does not wait for it.
    pub fn starts(&self, arguments: &str) -> Child {
        let command = self.heirloom(arguments);
        std::process::Command::new(command.get_program())
            .args(command.get_args())
            .current_dir(self.folder.path())
            .env("HEIRLOOM_MODELS", self.path("models"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Runs the command, expects an exit status and a part of standard error, and returns standard
    /// error.
    #[track_caller]
    pub fn refuses(&self, arguments: &str, status: i32, says: &str) -> String {
        let output = self.heirloom(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{error}");
        assert!(error.contains(says), "'{says}' is not in: {error}");
        assert!(!error.contains("panicked"), "{error}");
        error
    }

    /// Runs the command, expects success, and returns standard output as text.
    #[track_caller]
    pub fn says(&self, arguments: &str) -> String {
        String::from_utf8(self.does(arguments)).unwrap()
    }

    /// Runs the command, expects success, and returns standard output.
    #[track_caller]
    pub fn does(&self, arguments: &str) -> Vec<u8> {
        let output = self.heirloom(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    pub fn save(&self, name: &str, image: impl Into<DynamicImage>) {
        image.into().save(self.path(name)).unwrap();
    }

    pub fn load(&self, name: &str) -> DynamicImage {
        image::open(self.path(name)).unwrap()
    }
}

pub fn rgb(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 5) as u8, (y * 3) as u8, (x * y / 7) as u8]))
}

pub fn grey(width: u32, height: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| image::Luma([(x * 3 + y * 2) as u8]))
}

/// The default model.
pub fn default() -> ModelFile {
    StoredModel::embedded().unwrap().load().unwrap()
}

/// A model of the tiny shape, with weights given by a formula.
pub fn tiny() -> ModelFile {
    reference::model(Spec::tiny()).unwrap()
}

/// The next generation of [`tiny`]: same entropy branch, another reconstruction.
pub fn tiny_child() -> ModelFile {
    child(&tiny(), "reconstruction.image.bias", 0.25)
}

/// The next generation of a model: `by` added to all values of one tensor.
pub fn child(parent: &ModelFile, tensor: &str, by: f32) -> ModelFile {
    let mut weights = parent.weights.clone();
    weights.floats_mut(tensor).unwrap().iter_mut().for_each(|value| *value += by);
    parent.child(parent.metadata.lambda, weights).unwrap()
}

/// A model of another lineage.
pub fn stranger() -> ModelFile {
    let mut weights = tiny().weights;
    weights.floats_mut("entropy.z1.prior.bias").unwrap()[0] += 0.25;
    ModelFile::new(Spec::tiny(), LambdaRanges::all(LambdaRange::PRETRAINING), weights).unwrap()
}

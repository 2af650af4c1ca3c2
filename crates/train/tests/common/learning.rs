//! Shared by the tests of learning: a tiny parent, a folder with old and new images, requests, and
//! archives.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use heirloom_codec::{
    EncodeOptions, Image, Model,
    image::PixelFormat,
    model::{Branch, ModelFile},
};
use heirloom_train::{
    data::{Images, RgbImage},
    random::Random,
    replay::{LearningPlan, Request},
    trainer::{self, Config, Options, checkpoint::Checkpoint, export},
};

use super::{Scratch, draw};

pub fn options(scratch: &Scratch, data: &str, run: &str) -> Options {
    Options { data: scratch.0.join(data), ..super::options(scratch, run) }
}

/// A tiny model that has learned drawn images, with weights of full precision.
pub fn parent() -> &'static ModelFile {
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
pub fn prepared(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    draw(&scratch.images(), 6);
    fs::create_dir_all(scratch.0.join("new")).unwrap();
    for n in 0..4 {
        fs::write(scratch.0.join(format!("new/{n}.ppm")), stripes(n, 96, 80)).unwrap();
    }
    put(&scratch.0.join("parent.safetensors"), parent());
    scratch
}

pub fn put(path: &Path, file: &ModelFile) {
    fs::write(path, file.to_bytes().unwrap()).unwrap();
}

/// Fine stripes in strong colours: nothing like the gradients of [`draw`].
pub fn stripes(n: u64, width: usize, height: usize) -> Vec<u8> {
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
pub fn settings(scratch: &Scratch, text: &str) -> PathBuf {
    let path = scratch.0.join("settings.toml");
    let usual = "probe_every = 0\nlog_every = 1\ncheckpoint_every = 1000\n";
    fs::write(&path, format!("{usual}{text}\n")).unwrap();
    path
}

pub fn request(scratch: &Scratch, steps: u64) -> Request {
    Request {
        from: Some(scratch.0.join("parent.safetensors").into()),
        // Not the user's own store.
        store: Some(scratch.0.clone()),
        config: Some(settings(scratch, "")),
        steps: Some(steps),
        ..Request::default()
    }
}

pub fn with_data(scratch: &Scratch, steps: u64) -> Request {
    Request { replay_data: Some(scratch.images()), ..request(scratch, steps) }
}

pub fn child(run: &Path, checkpoint: &Checkpoint, full: bool) -> ModelFile {
    LearningPlan::of_run(run, &checkpoint.header.config).unwrap().child(checkpoint, full, false).unwrap()
}

pub fn images(folder: &Path) -> Vec<RgbImage> {
    let images = Images::open(folder, 1 << 30).unwrap();
    (0..images.len()).map(|i| images.image(i).unwrap().into_owned()).collect()
}

pub fn codec_image(image: &RgbImage) -> Image {
    Image::new(image.width as u32, image.height as u32, PixelFormat::Rgb8, image.rgb.clone()).unwrap()
}

/// Writes files of the old images into `archive`, with the model in `file`.
pub fn archive(scratch: &Scratch, file: &ModelFile, prefix: &str) {
    let model = Model::new(file.clone()).unwrap();
    fs::create_dir_all(scratch.0.join("archive")).unwrap();
    for (n, image) in images(&scratch.images()).iter().enumerate() {
        let lambda = [64.0, 256.0, 1024.0][n % 3];
        let bytes = model
            .encode(&codec_image(image), &EncodeOptions::new(lambda).with_lossless(heirloom_codec::Lossless::Never))
            .unwrap();
        fs::write(scratch.0.join(format!("archive/{prefix}{n:03}.hlm")), bytes).unwrap();
    }
}

pub fn psnr(a: &Image, b: &Image) -> f64 {
    let sum: f64 = a.data().iter().zip(b.data()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.data().len() as f64 / sum).log10()
}

pub fn entropy_bits(file: &ModelFile) -> Vec<(String, Vec<u32>)> {
    let bits = |data: &[f32]| data.iter().map(|v| v.to_bits()).collect();
    file.weights.branch(Branch::Entropy).map(|(name, tensor)| (name.to_owned(), bits(&tensor.data))).collect()
}

//! Shared by tests of whole runs: a folder that is removed at the end, drawn images, metrics
//! without the speed.

#![allow(dead_code)] // each test uses a part

pub mod learning;

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use heirloom_train::{model::Spec, random::Random, trainer::Options};
use serde_json::Value;

/// A folder of its own, removed at the end.
pub struct Scratch(pub PathBuf);

impl Scratch {
    /// An empty folder with an empty folder `images` in it.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("heirloom-train-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("images")).unwrap();
        Self(path)
    }

    pub fn images(&self) -> PathBuf {
        self.0.join("images")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A new run `run` in the folder, on its images.
pub fn options(scratch: &Scratch, run: &str) -> Options {
    Options {
        data: scratch.images(),
        validation: None,
        out: scratch.0.join(run),
        resume: false,
        init: None,
        stop_at: None,
        device: Device::flex(),
    }
}

/// The network with a linear path, learned steps, and contexts of all levels but one, with hidden channels
/// that fill no vector.
pub fn with_options(spec: Spec) -> Spec {
    Spec { learned_steps: true, context: [8, 20, 12, 0], linear_path: true, ..spec }
}

/// Smooth colour gradients with a disc, as PPM files.
pub fn draw(folder: &Path, count: u64) {
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
                let value =
                    |c: usize| if inside { colours[2][c] } else { colours[0][c] * (1.0 - t) + colours[1][c] * t };
                bytes.extend((0..3).map(|c| value(c) as u8));
            }
        }
        fs::write(folder.join(format!("{n:03}.ppm")), bytes).unwrap();
    }
}

/// The metrics of a run without its speed.
pub fn metrics(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let clean = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        value.as_object_mut().unwrap().remove("steps_per_second");
        value
    };
    text.lines().map(clean).collect()
}

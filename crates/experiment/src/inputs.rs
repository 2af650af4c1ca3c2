//! Settings and images of an experiment, and the hashes by which its tasks are known.

use std::path::{Path, PathBuf};

use heirloom_eval::anchors;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::{
    model::{Change, Model},
    settings::Settings,
    task::{Task, TestSet},
};
use heirloom_train::{
    data::{
        folder::{image_files, relative_name},
        image::RgbImage,
        pack::Pack,
    },
    error::{Result, TrainError},
    trainer::learn_config::Strategy,
};

/// Version of the hashes: raised when the same settings come to mean something else.
const FORM: u32 = 1;
/// Digits of a hash in a folder's name.
const DIGITS: usize = 12;

/// A folder or pack of images, and what is known of it.
#[derive(Clone, Debug)]
pub struct ImageSource {
    pub path: PathBuf,
    /// Name of the set: Kodak if it is that, else the name of the folder or pack, or of the folder
    /// above if its own name is `train`, `test` or `val`.
    pub name: String,
    /// Whether these are the 24 Kodak images, by their content, which the curves of other codecs
    /// were measured on.
    pub kodak: bool,
    /// Number of images.
    pub count: usize,
    /// Number of pixels of all images.
    pub pixels: u64,
    /// BLAKE3 of their names and contents.
    hash: String,
}

impl ImageSource {
    /// Examines the first `limit` images of a folder, in the order of paths, or of a pack.
    ///
    /// # Errors
    /// A folder or file that cannot be read; a folder without images.
    pub fn of(path: &Path, limit: usize) -> Result<Self> {
        if path.is_file() {
            return Self::of_pack(path, limit);
        }
        let mut files = image_files(path)?;
        files.truncate(limit);
        let examined = files.par_iter().map(|file| {
            let content = std::fs::read(file).map_err(TrainError::io("read", file))?;
            // Images that cannot be decoded are left out later, with a warning.
            let area = RgbImage::decode(&content).map_or(0, |image| image.width as u64 * image.height as u64);
            Ok((blake3::hash(&content), area))
        });
        let examined = examined.collect::<Result<Vec<_>>>()?;
        let (mut hasher, mut pixels) = (blake3::Hasher::new(), 0);
        for (file, (hash, area)) in files.iter().zip(examined) {
            hasher.update(relative_name(path, file).as_bytes()).update(&[0]).update(hash.as_bytes());
            pixels += area;
        }
        let hash = hasher.finalize().to_hex().to_string();
        let kodak = anchors::is_kodak(&files);
        let name = if kodak { anchors::KODAK.into() } else { name_of(path) };
        Ok(Self { path: path.to_owned(), name, kodak, count: files.len(), pixels, hash })
    }

    fn of_pack(path: &Path, limit: usize) -> Result<Self> {
        let pack = Pack::open(path)?;
        let count = pack.len().min(limit);
        let area = |index| {
            let (width, height) = pack.size(index);
            width as u64 * height as u64
        };
        let hash = format!("{}-{count}", pack.manifest());
        let name = name_of(&path.with_extension(""));
        Ok(Self { path: path.to_owned(), name, kodak: false, count, pixels: (0..count).map(area).sum(), hash })
    }
}

fn name_of(folder: &Path) -> String {
    let part = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = part(folder);
    match folder.parent().map(part) {
        Some(above) if !above.is_empty() && ["train", "test", "val"].contains(&name.as_str()) => above,
        _ => name,
    }
}

/// Everything that the results depend on.
pub struct Inputs {
    pub settings: Settings,
    /// Images of pre-training, which are also learned at new rates, and replayed.
    pub data: ImageSource,
    /// Images of another kind, to learn.
    pub new: ImageSource,
    /// Test images of the old kind.
    pub old_test: ImageSource,
    /// Test images of the new kind.
    pub new_test: ImageSource,
}

impl Inputs {
    /// Test images of a set.
    #[must_use]
    pub fn test_images(&self, set: TestSet) -> &ImageSource {
        match set {
            TestSet::Old => &self.old_test,
            TestSet::New => &self.new_test,
        }
    }

    /// Images that a model learns from after pre-training.
    #[must_use]
    pub fn learning_images(&self, change: Change) -> &ImageSource {
        match change {
            Change::Data => &self.new,
            Change::Higher | Change::Lower | Change::Nothing => &self.data,
        }
    }

    /// Name of a task's folder.
    ///
    /// # Errors
    /// Settings out of range.
    pub fn folder(&self, task: &Task) -> Result<String> {
        Ok(format!("{}-{}", task.name(), &self.hash(task)?[..DIGITS]))
    }

    /// Everything that a task's result depends on, in readable form. In dependent tasks, its hash
    /// stands for it.
    ///
    /// # Errors
    /// Settings out of range.
    pub fn describe(&self, task: &Task) -> Result<Value> {
        let hash = |model: &Model| self.hash(&Task::Train(*model));
        Ok(match task {
            Task::Train(model) => match (model.learning, model.parent()) {
                (Some((change, strategy)), Some(parent)) => json!({
                    "form": FORM,
                    "learn": self.settings.learning()?,
                    "strategy": strategy.name(),
                    "lambda": change.lambda(),
                    "data": self.learning_images(change).hash,
                    "replay": (strategy == Strategy::Replay).then_some(&self.data.hash),
                    "parent": hash(&parent)?,
                }),
                _ => json!({
                    "form": FORM,
                    "train": self.settings.pretraining(model.system, model.lambda)?.to_toml()?,
                    "data": self.data.hash,
                }),
            },
            Task::Measure(m) => json!({
                "form": FORM,
                "encoder": hash(&m.encoder)?,
                "decoder": m.decoder.as_ref().map(hash).transpose()?,
                "images": self.test_images(m.set).hash,
                "lambdas": m.lambdas,
            }),
        })
    }

    fn hash(&self, task: &Task) -> Result<String> {
        Ok(blake3::hash(self.describe(task)?.to_string().as_bytes()).to_hex().to_string())
    }
}

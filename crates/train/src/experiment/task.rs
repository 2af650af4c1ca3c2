//! What is done for an experiment, and the hash by which it is known: of everything that its result depends on.

use std::path::{Path, PathBuf};

use heirloom_eval::anchors;
use serde_json::{Value, json};

use super::{
    model::{Change, Model},
    settings::Settings,
};
use crate::{
    Result, TrainError,
    data::folder::{EXTENSIONS, walk},
    replay::Strategy,
};

/// Part of every hash: raised when the same settings come to mean something else.
const FORM: u32 = 1;
/// Digits of a hash in a folder's name.
const DIGITS: usize = 12;

/// A set of test images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Of the kind of pre-training.
    Old,
    /// Of the kind that is learned.
    New,
}

impl Set {
    fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
        }
    }
}

/// Test images, coded by one model at several λ and decoded by it or by another.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    pub encoder: Model,
    /// Another model that reads what the encoder wrote.
    pub decoder: Option<Model>,
    pub set: Set,
    pub lambdas: Vec<f32>,
}

/// One thing to do, with a result of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    Train(Model),
    Measure(Measurement),
}

impl Task {
    /// For people.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Train(model) => model.name(),
            Self::Measure(Measurement { encoder, decoder: None, set, .. }) => {
                format!("{}-on-{}", encoder.name(), set.name())
            }
            Self::Measure(Measurement { encoder, decoder: Some(decoder), set, .. }) => {
                format!("{}-read-by-{}-on-{}", encoder.name(), decoder.name(), set.name())
            }
        }
    }

    /// What must be done before.
    #[must_use]
    pub fn needs(&self) -> Vec<Self> {
        match self {
            Self::Train(model) => model.parent().map(Self::Train).into_iter().collect(),
            Self::Measure(m) => std::iter::once(m.encoder).chain(m.decoder).map(Self::Train).collect(),
        }
    }
}

/// A folder of images, and what is in it.
#[derive(Clone, Debug)]
pub struct Images {
    pub path: PathBuf,
    /// Name of the set: Kodak where it is that, else that of the folder, or of the one above it for a folder named `train`, `test`
    /// or `val`.
    pub name: String,
    /// Whether these are the 24 that other codecs' curves are of; a name alone does not make them that.
    pub kodak: bool,
    /// Number of files.
    pub count: usize,
    /// Number of pixels in all.
    pub pixels: u64,
    /// BLAKE3 of their names and bytes.
    hash: String,
}

impl Images {
    /// Looks at the first `limit` images of a folder, by path.
    ///
    /// # Errors
    /// A folder or file that cannot be read; one without images.
    pub fn of(path: &Path, limit: usize) -> Result<Self> {
        let mut files = Vec::new();
        walk(path, &EXTENSIONS, &mut files)?;
        files.sort();
        files.truncate(limit);
        if files.is_empty() {
            return Err(TrainError::Data(format!("{} holds no images", path.display())));
        }
        let (mut hasher, mut pixels) = (blake3::Hasher::new(), 0);
        for file in &files {
            let content = std::fs::read(file).map_err(TrainError::io("read", file))?;
            let name = file.strip_prefix(path).unwrap_or(file).to_string_lossy().replace('\\', "/");
            hasher.update(name.as_bytes()).update(&[0]).update(blake3::hash(&content).as_bytes());
            // One that cannot be decoded is left out later, by name.
            let (width, height) = image::image_dimensions(file).unwrap_or((0, 0));
            pixels += u64::from(width) * u64::from(height);
        }
        let hash = hasher.finalize().to_hex().to_string();
        let kodak = anchors::is_kodak(&files);
        let name = if kodak { anchors::KODAK.into() } else { name_of(path) };
        Ok(Self { path: path.to_owned(), name, kodak, count: files.len(), pixels, hash })
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

/// Everything that results depend on.
pub struct Inputs {
    pub settings: Settings,
    /// Images of pre-training, which are also learned at new rates, and replayed.
    pub data: Images,
    /// Images to learn.
    pub new: Images,
    /// Test images of the old kind.
    pub old_test: Images,
    /// Test images of the new kind.
    pub new_test: Images,
}

impl Inputs {
    /// The test images of a set.
    #[must_use]
    pub fn set(&self, set: Set) -> &Images {
        match set {
            Set::Old => &self.old_test,
            Set::New => &self.new_test,
        }
    }

    /// What a model learns from after its pre-training.
    #[must_use]
    pub fn lesson(&self, change: Change) -> &Images {
        match change {
            Change::Data => &self.new,
            Change::Higher | Change::Lower | Change::Nothing => &self.data,
        }
    }

    /// Name of a task's folder.
    ///
    /// # Errors
    /// Settings that make no sense.
    pub fn folder(&self, task: &Task) -> Result<String> {
        Ok(format!("{}-{}", task.name(), &self.hash(task)?[..DIGITS]))
    }

    /// What a task's result depends on, for people to read; its hash stands for it in what depends on it.
    ///
    /// # Errors
    /// Settings that make no sense.
    pub fn describe(&self, task: &Task) -> Result<Value> {
        let hash = |model: &Model| self.hash(&Task::Train(*model));
        Ok(match task {
            Task::Train(model) => match (model.learned, model.parent()) {
                (Some((change, strategy)), Some(parent)) => json!({
                    "form": FORM,
                    "learn": self.settings.learning()?,
                    "strategy": strategy.name(),
                    "lambda": change.lambda(),
                    "data": self.lesson(change).hash,
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
                "images": self.set(m.set).hash,
                "lambdas": m.lambdas,
            }),
        })
    }

    fn hash(&self, task: &Task) -> Result<String> {
        Ok(blake3::hash(self.describe(task)?.to_string().as_bytes()).to_hex().to_string())
    }
}

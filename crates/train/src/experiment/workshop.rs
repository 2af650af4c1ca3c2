//! Carries tasks out. Each has a folder, named after its hash, which holds all that it makes; one that is done is not done again,
//! and a training that was broken off goes on.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use burn::tensor::Device;
use heirloom_codec::model::ModelFile;
use serde::{Deserialize, Serialize};

use super::{
    measured::{self, Measured},
    model::Model,
    task::{Inputs, Measurement, Task},
};
use crate::{
    Result, TrainError,
    data::Folder,
    replay::{self, Lesson, Request, Strategy, models},
    trainer::{
        self, Options,
        checkpoint::Checkpoint,
        export, files,
        measure::{self, measure},
    },
};

/// Memory for decoded test images.
const CACHE: usize = 1 << 30;
/// What a task's folder holds: what its hash is of,
const DESCRIPTION: &str = "task.json";
/// a training,
const RUN: &str = "run";
/// its model file, where the system has one,
const MODEL: &str = "model.safetensors";
/// a measurement,
const MEASURED: &str = "measured.json";
/// and, once all is there, what it took.
const DONE: &str = "done.json";

/// What a task took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Of learning or measuring, over all times that it was taken up.
    pub seconds: f64,
}

/// Where tasks are carried out.
pub struct Workshop<'a> {
    pub inputs: &'a Inputs,
    /// The experiment's folder.
    pub out: &'a Path,
    pub device: &'a Device,
    /// No progress of trainings on the console.
    pub quiet: bool,
}

impl Workshop<'_> {
    fn folder(&self, task: &Task) -> Result<PathBuf> {
        Ok(self.out.join("tasks").join(self.inputs.folder(task)?))
    }

    /// What a task took, if it is done.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn done(&self, task: &Task) -> Result<Option<Done>> {
        let path = self.folder(task)?.join(DONE);
        if path.exists() { read(&path).map(Some) } else { Ok(None) }
    }

    /// What a measurement found.
    ///
    /// # Errors
    /// One that is not done.
    pub fn measured(&self, measurement: &Measurement) -> Result<Measured> {
        read(&self.folder(&Task::Measure(measurement.clone()))?.join(MEASURED))
    }

    /// Does what is not done, or goes on with it. What the task needs must be done.
    ///
    /// # Errors
    /// All of training, learning and measuring.
    pub fn carry_out(&self, task: &Task) -> Result<Done> {
        if let Some(done) = self.done(task)? {
            return Ok(done);
        }
        let folder = self.folder(task)?;
        fs::create_dir_all(&folder).map_err(TrainError::io("make the folder", &folder))?;
        write(&folder.join(DESCRIPTION), &self.inputs.describe(task)?)?;
        let seconds = match task {
            Task::Train(model) => self.train(model, &folder)?,
            Task::Measure(measurement) => {
                let started = Instant::now();
                write(&folder.join(MEASURED), &self.measure(measurement, &folder)?)?;
                started.elapsed().as_secs_f64()
            }
        };
        let done = Done { seconds };
        write(&folder.join(DONE), &done)?;
        Ok(done)
    }

    /// Trains a model and gives the seconds that it took.
    fn train(&self, model: &Model, folder: &Path) -> Result<f64> {
        let run = folder.join(RUN);
        let options = |data: &Path| Options {
            data: data.to_owned(),
            validation: None,
            out: run.clone(),
            resume: true,
            init: None,
            stop_at: None,
            device: self.device.clone(),
            quiet: self.quiet,
        };
        let checkpoint = match (model.learned, model.parent()) {
            (Some((change, strategy)), Some(parent)) => {
                let (keys, store) = (folder.join("learning.toml"), folder.join("store"));
                files::replace(&keys, self.inputs.settings.learning()?.as_bytes())?;
                fs::create_dir_all(&store).map_err(TrainError::io("make the folder", &store))?;
                let request = Request {
                    from: Some(self.place(&parent)?),
                    strategy: Some(strategy),
                    lambda: Some(change.lambda()),
                    replay_data: (strategy == Strategy::Replay).then(|| self.inputs.data.path.clone()),
                    // Of this experiment alone: an empty one.
                    store: Some(store),
                    config: (!run.join("config.toml").exists()).then_some(keys),
                    ..Request::default()
                };
                replay::learn(&request, &options(&self.inputs.lesson(change).path))?
            }
            _ => {
                let config = self.inputs.settings.pretraining(model.system, model.lambda)?;
                trainer::train(&config, &options(&self.inputs.data.path))?
            }
        };
        if model.system.writes_files() {
            let file = exported(&checkpoint, &run)?;
            let bytes = file.to_bytes().map_err(|e| TrainError::Model(e.to_string()))?;
            files::replace(&folder.join(MODEL), &bytes)?;
        }
        seconds_of(&run)
    }

    /// What names a trained model where it is learned from or measured: its file, or its run.
    fn place(&self, model: &Model) -> Result<PathBuf> {
        let name = if model.system.writes_files() { MODEL } else { RUN };
        Ok(self.folder(&Task::Train(*model))?.join(name))
    }

    fn measure(&self, m: &Measurement, folder: &Path) -> Result<Measured> {
        let images = self.inputs.set(m.set);
        let test = Folder::open(&images.path, CACHE)?;
        let measured = if m.encoder.system.writes_files() {
            let open = |model: &Model| -> Result<heirloom_codec::Model> {
                let file = models::read(&self.place(model)?)?;
                heirloom_codec::Model::new(file).map_err(|e| TrainError::Model(e.to_string()))
            };
            let (encoder, decoder) = (open(&m.encoder)?, m.decoder.as_ref().map(open).transpose()?);
            let scratch = folder.join("scratch.hlm");
            measured::by_files(&encoder, decoder.as_ref(), &test, images.count, &m.lambdas, &scratch)?
        } else {
            let open = |model: &Model| measure::Measured::open(&self.place(model)?, self.device);
            let (encoder, decoder) = (open(&m.encoder)?, m.decoder.as_ref().map(open).transpose()?);
            measure(&encoder, decoder.as_ref(), &test, &images.name, images.count, &m.lambdas)?.into()
        };
        Ok(Measured {
            encoder: m.encoder.name(),
            decoder: m.decoder.map(Model::name),
            dataset: images.name.clone(),
            ..measured
        })
    }
}

fn exported(checkpoint: &Checkpoint, run: &Path) -> Result<ModelFile> {
    match &checkpoint.header.config.learn {
        Some(_) => Lesson::of_run(run, &checkpoint.header.config)?.child(checkpoint, false, true),
        None => export::model(checkpoint, false, true),
    }
}

/// The seconds that a run's steps took, by its metrics.
fn seconds_of(run: &Path) -> Result<f64> {
    let path = run.join("metrics.jsonl");
    let text = fs::read_to_string(&path).map_err(TrainError::io("read", &path))?;
    let (mut seconds, mut before) = (0.0, 0.0);
    for line in text.lines() {
        let line: serde_json::Value =
            serde_json::from_str(line).map_err(|e| TrainError::Data(format!("{}: {e}", path.display())))?;
        if let (Some(step), Some(speed)) = (line["step"].as_f64(), line["steps_per_second"].as_f64()) {
            seconds += (step - before) / speed;
            before = step;
        }
    }
    Ok(seconds)
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).map_err(TrainError::io("read", path))?;
    serde_json::from_str(&text).map_err(|e| TrainError::Data(format!("{}: {e}", path.display())))
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| TrainError::Data(format!("{}: {e}", path.display())))?;
    files::replace(path, (text + "\n").as_bytes())
}

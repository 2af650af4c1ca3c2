//! Running tasks. Each has a folder, named after its hash, which holds all of its results. Finished
//! tasks are not repeated, and interrupted training continues.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use burn::tensor::Device;
use heirloom_io::atomic::write_durably;
use heirloom_store::StoredModel;
use serde::{Deserialize, Serialize};

use super::{
    inputs::Inputs,
    measurement::{Measured, measure_files},
    model::Model,
    task::{Measurement, Task},
};
use heirloom_train::{
    data::images::Images,
    error::{Result, TrainError},
    measure::{TrainedSystem, measure},
    replay::{
        learning_plan::exported,
        request::{self, Request},
    },
    trainer::{calibration::Calibration, learn_config::Strategy, run::Options, training_loop},
};

/// Memory for decoded test images, in bytes.
const CACHE: usize = 1 << 30;
/// File in a task's folder: everything that its result depends on.
const DESCRIPTION: &str = "task.json";
/// Folder in a task's folder: the run of a training.
const RUN: &str = "run";
/// File in a task's folder: the model of a training, if the system has model files.
const MODEL: &str = "model.safetensors";
/// File in a task's folder: the results of a measurement.
const MEASURED: &str = "measured.json";
/// File in a task's folder, written last: the time that it took.
const DONE: &str = "done.json";

/// A finished task.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Seconds of training or measuring, summed over interruptions.
    pub seconds: f64,
}

/// Runs the tasks of an experiment.
pub struct Runner<'a> {
    pub inputs: &'a Inputs,
    /// The experiment's folder.
    pub out: &'a Path,
    pub device: &'a Device,
}

impl Runner<'_> {
    fn folder(&self, task: &Task) -> Result<PathBuf> {
        Ok(self.out.join("tasks").join(self.inputs.folder(task)?))
    }

    /// The time of a task, if it is finished.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn done(&self, task: &Task) -> Result<Option<Done>> {
        let path = self.folder(task)?.join(DONE);
        if path.exists() { read(&path).map(Some) } else { Ok(None) }
    }

    /// Results of a measurement.
    ///
    /// # Errors
    /// A measurement that is not finished.
    pub fn measured(&self, measurement: &Measurement) -> Result<Measured> {
        read(&self.folder(&Task::Measure(measurement.clone()))?.join(MEASURED))
    }

    /// Runs a task, or continues it. The tasks that it needs must be finished.
    ///
    /// # Errors
    /// Errors of training, learning and measuring.
    pub fn run(&self, task: &Task) -> Result<Done> {
        if let Some(done) = self.done(task)? {
            return Ok(done);
        }
        let folder = self.folder(task)?;
        fs::create_dir_all(&folder).map_err(TrainError::io("create the folder", &folder))?;
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

    /// Trains a model, and returns the seconds that it took.
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
        };
        let checkpoint = match (model.learning, model.parent()) {
            (Some((change, strategy)), Some(parent)) => {
                let (keys, store) = (folder.join("learning.toml"), folder.join("store"));
                write_durably(&keys, self.inputs.settings.learning()?.as_bytes())?;
                fs::create_dir_all(&store).map_err(TrainError::io("create the folder", &store))?;
                let request = Request {
                    from: Some(self.path(&parent)?.into()),
                    strategy: Some(strategy),
                    lambda: Some(change.lambda()),
                    replay_data: (strategy == Strategy::Replay).then(|| self.inputs.data.path.clone()),
                    // An empty store, not the user's.
                    store: Some(store),
                    config: (!run.join("config.toml").exists()).then_some(keys),
                    ..Request::default()
                };
                request::learn(&request, &options(&self.inputs.learning_images(change).path))?
            }
            _ => {
                let config = self.inputs.settings.pretraining(model.system, model.lambda)?;
                training_loop::train(&config, &options(&self.inputs.data.path))?
            }
        };
        if model.system.writes_files() {
            let calibration = Calibration::of(&Images::open(&self.inputs.data.path, CACHE)?)?;
            let file = exported(&checkpoint, &run, &calibration, true)?;
            let bytes = file.to_bytes().map_err(|e| TrainError::Model(e.to_string()))?;
            write_durably(&folder.join(MODEL), &bytes)?;
        }
        seconds_of(&run)
    }

    /// Path of a trained model: its file, or its run.
    fn path(&self, model: &Model) -> Result<PathBuf> {
        let name = if model.system.writes_files() { MODEL } else { RUN };
        Ok(self.folder(&Task::Train(*model))?.join(name))
    }

    fn measure(&self, m: &Measurement, folder: &Path) -> Result<Measured> {
        let images = self.inputs.test_images(m.set);
        let test = Images::open(&images.path, CACHE)?;
        let measured = if m.encoder.system.writes_files() {
            let open = |model: &Model| -> Result<heirloom_codec::Model> {
                let file = StoredModel::open(&self.path(model)?)?.load()?;
                heirloom_codec::Model::new(file).map_err(|e| TrainError::Model(e.to_string()))
            };
            let (encoder, decoder) = (open(&m.encoder)?, m.decoder.as_ref().map(open).transpose()?);
            let scratch = folder.join("scratch.hlm");
            measure_files(&encoder, decoder.as_ref(), &test, images.count, &m.lambdas, &scratch)?
        } else {
            let open = |model: &Model| TrainedSystem::open(&self.path(model)?, self.device);
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

/// Seconds that a run's steps took, by its metrics.
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
    Ok(write_durably(path, (text + "\n").as_bytes())?)
}

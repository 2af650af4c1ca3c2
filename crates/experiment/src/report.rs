//! The results of an experiment, in a form for programs.

use serde::Serialize;

use super::{
    chart::Chart,
    finding::Finding,
    inputs::{ImageSource, Inputs},
    outcome::Outcome,
    settings::Settings,
};
use heirloom_train::error::Result;

/// Version of the JSON form. Readers should refuse versions that they do not know.
const SCHEMA: &str = "heirloom-experiment/1";

/// Time of a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskTime {
    /// Name of the task.
    pub task: String,
    /// Name of its folder under `tasks/`.
    pub folder: String,
    pub seconds: f64,
}

/// A set of images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Source {
    pub role: &'static str,
    pub name: String,
    pub images: usize,
}

/// A panel, and its finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    #[serde(flatten)]
    pub outcome: Outcome,
    pub finding: Finding,
    #[serde(skip)]
    pub(super) charts: Vec<Chart>,
}

/// All results.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    schema: &'static str,
    pub(super) program: String,
    /// Name of the scale, or of the file of settings.
    pub(super) scale: String,
    pub(super) machine: String,
    pub(super) sources: Vec<Source>,
    pub(super) settings: Settings,
    pub sections: Vec<Section>,
    pub(super) tasks: Vec<TaskTime>,
}

impl Report {
    /// Draws conclusions and figures.
    ///
    /// # Errors
    /// A panel without curves.
    pub fn new(inputs: &Inputs, scale: String, outcomes: Vec<Outcome>, tasks: Vec<TaskTime>) -> Result<Self> {
        let source = |role, images: &ImageSource| Source { role, name: images.name.clone(), images: images.count };
        let section = |outcome: Outcome| {
            let (finding, charts) = (Finding::of(&outcome), Chart::of(&outcome)?);
            Ok(Section { outcome, finding, charts })
        };
        Ok(Self {
            schema: SCHEMA,
            program: concat!("heirloom-train ", env!("CARGO_PKG_VERSION")).into(),
            scale,
            machine: heirloom_eval::machine::describe(rayon::current_num_threads()),
            sources: vec![
                source("pre-training, new rates and replay", &inputs.data),
                source("the new kind of images", &inputs.new),
                source("test, old kind", &inputs.old_test),
                source("test, new kind", &inputs.new_test),
            ],
            settings: inputs.settings.clone(),
            sections: outcomes.into_iter().map(section).collect::<Result<_>>()?,
            tasks,
        })
    }
}

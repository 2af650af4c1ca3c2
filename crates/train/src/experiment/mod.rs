//! The paper's experiments: every system, every strategy, every figure.
//!
//! | module | what it holds |
//! |---|---|
//! | [`settings`] | the numbers of an experiment; `scales/*.toml` are those that have a name |
//! | [`model`] | systems, what they learn, and the models that come of it |
//! | [`panel`] | the figures: which curves are in which, and what must be done for them |
//! | [`task`] | one thing to do, and the hash of all that its result depends on |
//! | [`pace`] | how long tasks will take |
//! | [`workshop`] | carries tasks out, each in a folder of its own |
//! | [`measured`] | what a measurement leaves; measuring by real files |
//! | [`outcome`] | curves and BD-rates |
//! | [`finding`] | whether what the paper found shows |
//! | [`chart`], [`report`] | figures, tables and the page |
//!
//! An experiment's folder holds `tasks/`, with a folder for every training and measurement, and what [`report::Report::write`] makes of
//! them. A task that is done is never done again; one whose settings, images or forerunners change gets another folder.

pub mod chart;
pub mod finding;
pub mod measured;
pub mod model;
pub mod outcome;
pub mod pace;
pub mod panel;
pub mod report;
pub mod settings;
pub mod task;
pub mod workshop;

pub use panel::Figure;
pub use report::Report;
pub use settings::{Scale, Settings};
pub use task::{Images, Inputs};
pub use workshop::Workshop;

use self::{
    outcome::Outcome,
    pace::Pace,
    panel::{Panel, tasks},
    report::Spent,
    task::Task,
};
use crate::Result;

/// The panels of some figures, each once.
#[must_use]
pub fn panels(figures: &[Figure], settings: &Settings) -> Vec<Panel> {
    let mut panels: Vec<Panel> = Vec::new();
    for panel in figures.iter().flat_map(|figure| figure.panels(settings)) {
        if !panels.contains(&panel) {
            panels.push(panel);
        }
    }
    panels
}

/// A task of a plan.
#[derive(Clone, Debug)]
pub struct Step {
    pub task: Task,
    /// Its folder under `tasks/`.
    pub folder: String,
    /// What it took, if it is done.
    pub done: Option<f64>,
    /// What it is expected to take, in seconds.
    pub expected: f64,
}

/// What there is to do for some panels, in order, and how long it will take.
///
/// # Errors
/// Settings that make no sense, a folder that cannot be read.
pub fn plan(workshop: &Workshop, panels: &[Panel]) -> Result<Vec<Step>> {
    let tasks = tasks(panels);
    let pace = Pace::of(workshop, &tasks)?;
    let step = |task: Task| {
        let folder = workshop.inputs.folder(&task)?;
        let (done, expected) = (workshop.done(&task)?.map(|done| done.seconds), pace.expected(workshop.inputs, &task)?);
        Ok(Step { task, folder, done, expected })
    };
    tasks.into_iter().map(step).collect()
}

/// Does what is to do, telling `progress` of each step before it is taken up, and writes the report.
///
/// # Errors
/// All of training, learning and measuring; a folder that cannot be written.
pub fn run(
    workshop: &Workshop,
    panels: &[Panel],
    scale: String,
    plan: &[Step],
    mut progress: impl FnMut(usize, &Step),
) -> Result<Report> {
    let mut spent = Vec::new();
    for (i, step) in plan.iter().enumerate() {
        progress(i, step);
        let seconds = workshop.carry_out(&step.task)?.seconds;
        spent.push(Spent { task: step.task.name(), folder: step.folder.clone(), seconds });
    }
    let outcomes = panels.iter().map(|panel| Outcome::of(workshop, panel)).collect::<Result<_>>()?;
    let report = Report::new(workshop.inputs, scale, outcomes, spent)?;
    report.write(workshop.out)?;
    Ok(report)
}

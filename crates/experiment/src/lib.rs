//! The experiments of Duan et al., CVPR 2024: every system, every strategy, every figure.
//!
//! | module | what it holds |
//! |---|---|
//! | [`settings`] | settings of an experiment; `scales/*.toml` are the named ones |
//! | [`model`] | systems, what they learn, and the resulting models |
//! | [`panel`] | the figures: their curves, and the tasks that those need |
//! | [`task`] | a training or measurement, and the hash of all that its result depends on |
//! | [`inputs`] | settings and images |
//! | [`estimate`] | estimated time of tasks |
//! | [`runner`] | runs tasks, each in a folder of its own |
//! | [`measurement`] | results of a measurement; measuring with real files |
//! | [`outcome`] | curves and BD-rates |
//! | [`finding`] | whether the paper's findings show |
//! | [`chart`], [`report`], [`page`], [`output`] | figures, results, the HTML page, and writing all of them |
//!
//! An experiment's folder holds `tasks/`, with a folder for every training and measurement, and the
//! files of [`output::write`]. A finished task is never repeated; one whose settings, images or
//! predecessors change gets another folder.

#![forbid(unsafe_code)]

pub mod chart;
pub mod estimate;
pub mod finding;
pub mod inputs;
pub mod measurement;
pub mod model;
pub mod outcome;
pub mod output;
pub mod page;
pub mod panel;
pub mod report;
pub mod runner;
pub mod settings;
pub mod task;

pub use inputs::{ImageSource, Inputs};
pub use panel::Figure;
pub use report::Report;
pub use runner::Runner;
pub use settings::{Scale, Settings};

use heirloom_train::error::Result;

use estimate::Estimate;
use outcome::Outcome;
use panel::{Panel, tasks};
use report::TaskTime;
use task::Task;

/// Panels of the figures, each once.
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
    /// Name of its folder under `tasks/`.
    pub folder: String,
    /// Seconds that it took, if it is finished.
    pub done: Option<f64>,
    /// Estimated seconds.
    pub expected: f64,
}

/// Plans the tasks of the panels, in order, with their estimated times.
///
/// # Errors
/// Settings out of range, a folder that cannot be read.
pub fn plan(runner: &Runner, panels: &[Panel]) -> Result<Vec<Step>> {
    let tasks = tasks(panels);
    let estimate = Estimate::of(runner, &tasks)?;
    let step = |task: Task| {
        let folder = runner.inputs.folder(&task)?;
        let done = runner.done(&task)?.map(|done| done.seconds);
        let expected = estimate.seconds(runner.inputs, &task)?;
        Ok(Step { task, folder, done, expected })
    };
    tasks.into_iter().map(step).collect()
}

/// Runs the tasks that are not finished and writes the report. `progress` is called before each
/// task.
///
/// # Errors
/// Errors of training, learning and measuring; a folder that cannot be written.
pub fn run(
    runner: &Runner,
    panels: &[Panel],
    scale: String,
    plan: &[Step],
    mut progress: impl FnMut(usize, &Step),
) -> Result<Report> {
    let mut times = Vec::new();
    for (i, step) in plan.iter().enumerate() {
        progress(i, step);
        let seconds = runner.run(&step.task)?.seconds;
        times.push(TaskTime { task: step.task.name(), folder: step.folder.clone(), seconds });
    }
    let outcomes = panels.iter().map(|panel| Outcome::of(runner, panel)).collect::<Result<_>>()?;
    let report = Report::new(runner.inputs, scale, outcomes, times)?;
    output::write(&report, runner.out)?;
    Ok(report)
}

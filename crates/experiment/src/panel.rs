//! The paper's figures: their curves, and the tasks that those need.

use clap::ValueEnum;

use super::{
    model::{Change, Model, OLD, System},
    settings::Settings,
    task::{Measurement, Task, TestSet},
};
use heirloom_train::trainer::learn_config::Strategy;

/// Number of a figure of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Figure {
    Fig8,
    Fig9,
    Fig10,
    Fig11,
    Fig12,
    All,
}

/// Subject of a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Old files, decoded by models that have learned since.
    OldFiles(Change),
    /// New files, written by models that have learned.
    NewFiles(Change),
    /// Systems for a range of λ, beside those for a single λ.
    VariableRate,
    /// Higher rates if only the encoder learns.
    EncoderOnly,
}

/// A panel of a figure: 8a, 8b and so on.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Number in the paper, such as `8a`.
    pub id: &'static str,
    pub subject: Subject,
    pub title: &'static str,
    pub set: TestSet,
    pub lines: Vec<Line>,
}

/// Training of a system before it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Pre-trained only.
    Pretrained,
    /// Trained on the old images for as many steps as the others learn.
    Control,
    /// Learned something new by a strategy.
    Learned(Strategy),
}

impl Condition {
    /// Name in figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pretrained => "pre-trained",
            Self::Control => "control",
            Self::Learned(strategy) => strategy.name(),
        }
    }

    fn model(self, old: Model, change: Change) -> Model {
        match self {
            Self::Pretrained => old,
            Self::Control => old.learned(Change::Nothing, Strategy::Replay),
            Self::Learned(strategy) => old.learned(change, strategy),
        }
    }
}

/// A curve of a panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub system: System,
    pub condition: Condition,
    /// Measurements of its points: one for all λ, or one for each.
    pub measurements: Vec<Measurement>,
}

impl Line {
    fn new(system: System, condition: Condition, measurement: Measurement) -> Self {
        Self { system, condition, measurements: vec![measurement] }
    }

    /// Name beside curves of other systems.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}, {}", self.system.title(), self.condition.name())
    }
}

impl Figure {
    /// Panels of the figure.
    #[must_use]
    pub fn panels(self, settings: &Settings) -> Vec<Panel> {
        let pair = |change, ids: [&'static str; 2], titles: [&'static str; 2]| {
            vec![old_files(settings, change, ids[0], titles[0]), new_files(settings, change, ids[1], titles[1])]
        };
        match self {
            Self::Fig8 => pair(
                Change::Data,
                ["8a", "8b"],
                ["Another kind of images: old files in the new decoder", "Another kind of images: new files"],
            ),
            Self::Fig9 => pair(
                Change::Higher,
                ["9a", "9b"],
                ["Higher rates: old files in the new decoder", "Higher rates: new files"],
            ),
            Self::Fig10 => pair(
                Change::Lower,
                ["10a", "10b"],
                ["Lower rates: old files in the new decoder", "Lower rates: new files"],
            ),
            Self::Fig11 => vec![variable_rate(settings)],
            Self::Fig12 => vec![encoder_only(settings)],
            Self::All => [Self::Fig8, Self::Fig9, Self::Fig10, Self::Fig11, Self::Fig12]
                .into_iter()
                .flat_map(|figure| figure.panels(settings))
                .collect(),
        }
    }
}

/// A model's own files over its whole range of λ.
fn own(settings: &Settings, encoder: Model, set: TestSet) -> Measurement {
    let range = encoder.learning.map_or(encoder.lambda, |(change, _)| change.lambda());
    let lambdas = if range[0] == range[1] { vec![range[0]] } else { settings.lambdas(range) };
    Measurement { encoder, decoder: None, set, lambdas }
}

/// Files of the pre-trained models, decoded by themselves and by models that learned from them. If
/// only the encoder learned, nothing can have changed.
fn old_files(settings: &Settings, change: Change, id: &'static str, title: &'static str) -> Panel {
    let lines = System::VARIABLE.into_iter().flat_map(|system| {
        let old = Model::pretrained(system);
        let decoded_by = |condition: Condition| Measurement {
            encoder: old,
            decoder: Some(condition.model(old, change)),
            set: TestSet::Old,
            lambdas: settings.lambdas(OLD),
        };
        let learned =
            |strategy| Line::new(system, Condition::Learned(strategy), decoded_by(Condition::Learned(strategy)));
        [
            Line::new(system, Condition::Pretrained, own(settings, old, TestSet::Old)),
            learned(Strategy::EndToEnd),
            learned(Strategy::Replay),
        ]
    });
    Panel { id, subject: Subject::OldFiles(change), title, set: TestSet::Old, lines: lines.collect() }
}

/// New files by every strategy; on new images also those of the control, whose gain is not due to
/// the new images.
fn new_files(settings: &Settings, change: Change, id: &'static str, title: &'static str) -> Panel {
    let set = if change == Change::Data { TestSet::New } else { TestSet::Old };
    let mut conditions = vec![Condition::Pretrained];
    conditions.extend((change == Change::Data).then_some(Condition::Control));
    conditions.extend([Strategy::Encoder, Strategy::EndToEnd, Strategy::Replay].map(Condition::Learned));
    let lines = System::VARIABLE.into_iter().flat_map(|system| {
        let old = Model::pretrained(system);
        let line = move |condition: &Condition| {
            Line::new(system, *condition, own(settings, condition.model(old, change), set))
        };
        conditions.iter().map(line).collect::<Vec<_>>()
    });
    Panel { id, subject: Subject::NewFiles(change), title, set, lines: lines.collect() }
}

fn variable_rate(settings: &Settings) -> Panel {
    let single = |system| Line {
        system,
        condition: Condition::Pretrained,
        measurements: settings
            .single
            .iter()
            .map(|lambda| own(settings, Model::single(system, *lambda), TestSet::Old))
            .collect(),
    };
    let variable =
        |system| Line::new(system, Condition::Pretrained, own(settings, Model::pretrained(system), TestSet::Old));
    let lines = vec![single(System::Msh), variable(System::MshVr), single(System::Gma), variable(System::GmaVr)];
    Panel {
        id: "11",
        subject: Subject::VariableRate,
        title: "One model for all rates, and one for each",
        set: TestSet::Old,
        lines,
    }
}

fn encoder_only(settings: &Settings) -> Panel {
    let lines = [Condition::Pretrained, Condition::Learned(Strategy::Encoder), Condition::Learned(Strategy::EndToEnd)]
        .map(|condition| {
            let model = condition.model(Model::pretrained(System::MshVr), Change::Higher);
            Line::new(System::MshVr, condition, own(settings, model, TestSet::Old))
        });
    Panel {
        id: "12",
        subject: Subject::EncoderOnly,
        title: "MSH-VR at higher rates",
        set: TestSet::Old,
        lines: lines.into(),
    }
}

/// All tasks of the panels, each once and after those that it needs, panel by panel.
#[must_use]
pub fn tasks(panels: &[Panel]) -> Vec<Task> {
    let mut tasks = Vec::new();
    for measurement in panels.iter().flat_map(|panel| &panel.lines).flat_map(|line| &line.measurements) {
        add(&mut tasks, Task::Measure(measurement.clone()));
    }
    tasks
}

fn add(tasks: &mut Vec<Task>, task: Task) {
    if tasks.contains(&task) {
        return;
    }
    task.needs().into_iter().for_each(|needed| add(tasks, needed));
    tasks.push(task);
}

#[cfg(test)]
mod tests {
    use super::{super::settings::Scale, *};

    #[test]
    fn every_task_comes_once_and_after_what_it_needs() {
        let settings = Settings::of(Scale::Paper).unwrap();
        let tasks = tasks(&Figure::All.panels(&settings));
        for (i, task) in tasks.iter().enumerate() {
            assert!(!tasks[..i].contains(task), "{}", task.name());
            assert!(task.needs().iter().all(|needed| tasks[..i].contains(needed)), "{}", task.name());
        }
        // Three systems, each pre-trained, with nine times learning and a control; two for each
        // single λ.
        let trained = tasks.iter().filter(|task| matches!(task, Task::Train(_))).count();
        assert_eq!(trained, 3 * (1 + 9 + 1) + 2 * settings.single.len());
    }

    #[test]
    fn what_two_figures_share_is_one_task() {
        let settings = Settings::of(Scale::Smoke).unwrap();
        let of = |figure: Figure| tasks(&figure.panels(&settings));
        let (nine, twelve) = (of(Figure::Fig9), of(Figure::Fig12));
        assert!(twelve.iter().all(|task| nine.contains(task)));
    }
}

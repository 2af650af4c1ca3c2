//! The paper's figures: which curves are in which, and what must be done for them.

use clap::ValueEnum;

use super::{
    model::{Change, Model, OLD, System},
    settings::Settings,
    task::{Measurement, Set, Task},
};
use crate::replay::Strategy;

/// A figure of the paper, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Figure {
    Fig8,
    Fig9,
    Fig10,
    Fig11,
    Fig12,
    All,
}

/// What a panel is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Old files, decoded by what has learned since.
    OldFiles(Change),
    /// New files of what has learned.
    NewFiles(Change),
    /// Systems for a range of λ beside those for one.
    VariableRate,
    /// What learns at higher rates if only the encoder does.
    EncoderOnly,
}

/// A panel of a figure: 8a, 8b and so on.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// As in the paper: `8a`.
    pub id: &'static str,
    pub subject: Subject,
    pub title: &'static str,
    pub set: Set,
    pub lines: Vec<Line>,
}

/// What became of a system before it was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It was pre-trained.
    Before,
    /// It learned nothing new, by replay, for as many steps as the others.
    Control,
    /// It learned by a strategy.
    By(Strategy),
}

impl How {
    /// As in figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Before => "pre-trained",
            Self::Control => "control",
            Self::By(strategy) => strategy.name(),
        }
    }

    fn model(self, old: Model, change: Change) -> Model {
        match self {
            Self::Before => old,
            Self::Control => old.after(Change::Nothing, Strategy::Replay),
            Self::By(strategy) => old.after(change, strategy),
        }
    }
}

/// A curve of a panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub system: System,
    pub how: How,
    /// What its points are of: one for all λ, or one for each.
    pub measurements: Vec<Measurement>,
}

impl Line {
    fn new(system: System, how: How, measurement: Measurement) -> Self {
        Self { system, how, measurements: vec![measurement] }
    }

    /// Its name beside curves of other systems.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}, {}", self.system.title(), self.how.name())
    }
}

impl Figure {
    /// Its panels.
    #[must_use]
    pub fn panels(self, settings: &Settings) -> Vec<Panel> {
        let pair = |change, ids: [&'static str; 2], titles: [&'static str; 2]| {
            vec![old_files(settings, change, ids[0], titles[0]), new_files(settings, change, ids[1], titles[1])]
        };
        match self {
            Self::Fig8 => pair(
                Change::Data,
                ["8a", "8b"],
                ["Another kind of images: old files, decoded anew", "Another kind of images: new files of them"],
            ),
            Self::Fig9 => {
                pair(Change::Higher, ["9a", "9b"], ["Higher rates: old files, decoded anew", "Higher rates: new files"])
            }
            Self::Fig10 => {
                pair(Change::Lower, ["10a", "10b"], ["Lower rates: old files, decoded anew", "Lower rates: new files"])
            }
            Self::Fig11 => vec![variable_rate(settings)],
            Self::Fig12 => vec![encoder_only(settings)],
            Self::All => [Self::Fig8, Self::Fig9, Self::Fig10, Self::Fig11, Self::Fig12]
                .into_iter()
                .flat_map(|figure| figure.panels(settings))
                .collect(),
        }
    }
}

/// What a model's own files are like, over all λ that it knows.
fn own(settings: &Settings, encoder: Model, set: Set) -> Measurement {
    let range = encoder.learned.map_or(encoder.lambda, |(change, _)| change.lambda());
    let lambdas = if range[0] == range[1] { vec![range[0]] } else { settings.lambdas(range) };
    Measurement { encoder, decoder: None, set, lambdas }
}

/// Files of the pre-trained models, by themselves and by what they have become. Where only the encoder learned, nothing can have
/// changed.
fn old_files(settings: &Settings, change: Change, id: &'static str, title: &'static str) -> Panel {
    let lines = System::VARIABLE.into_iter().flat_map(|system| {
        let old = Model::pretrained(system);
        let read_by = |how: How| Measurement {
            encoder: old,
            decoder: Some(how.model(old, change)),
            set: Set::Old,
            lambdas: settings.lambdas(OLD),
        };
        let learned = |strategy| Line::new(system, How::By(strategy), read_by(How::By(strategy)));
        [
            Line::new(system, How::Before, own(settings, old, Set::Old)),
            learned(Strategy::EndToEnd),
            learned(Strategy::Replay),
        ]
    });
    Panel { id, subject: Subject::OldFiles(change), title, set: Set::Old, lines: lines.collect() }
}

/// New files by every strategy. Of new images also those of the control, whose gain is none of theirs.
fn new_files(settings: &Settings, change: Change, id: &'static str, title: &'static str) -> Panel {
    let set = if change == Change::Data { Set::New } else { Set::Old };
    let mut ways = vec![How::Before];
    ways.extend((change == Change::Data).then_some(How::Control));
    ways.extend([Strategy::Encoder, Strategy::EndToEnd, Strategy::Replay].map(How::By));
    let lines = System::VARIABLE.into_iter().flat_map(|system| {
        let old = Model::pretrained(system);
        let line = move |how: &How| Line::new(system, *how, own(settings, how.model(old, change), set));
        ways.iter().map(line).collect::<Vec<_>>()
    });
    Panel { id, subject: Subject::NewFiles(change), title, set, lines: lines.collect() }
}

fn variable_rate(settings: &Settings) -> Panel {
    let single = |system| Line {
        system,
        how: How::Before,
        measurements: settings
            .single
            .iter()
            .map(|lambda| own(settings, Model::single(system, *lambda), Set::Old))
            .collect(),
    };
    let variable = |system| Line::new(system, How::Before, own(settings, Model::pretrained(system), Set::Old));
    let lines = vec![single(System::Msh), variable(System::MshVr), single(System::Gma), variable(System::GmaVr)];
    Panel {
        id: "11",
        subject: Subject::VariableRate,
        title: "One model for all rates beside one for each",
        set: Set::Old,
        lines,
    }
}

fn encoder_only(settings: &Settings) -> Panel {
    let lines = [How::Before, How::By(Strategy::Encoder), How::By(Strategy::EndToEnd)].map(|how| {
        let model = how.model(Model::pretrained(System::MshVr), Change::Higher);
        Line::new(System::MshVr, how, own(settings, model, Set::Old))
    });
    Panel {
        id: "12",
        subject: Subject::EncoderOnly,
        title: "MSH-VR at higher rates",
        set: Set::Old,
        lines: lines.into(),
    }
}

/// All that panels need, each once, in an order in which it can be done: all of a panel before the next.
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
        // Three systems, each with nine lessons and a control; two for each of the single λ.
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

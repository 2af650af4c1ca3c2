//! The tasks of an experiment: training and measuring.

use super::model::Model;

/// A set of test images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestSet {
    /// Images of the kind of pre-training.
    Old,
    /// Images of the kind that is learned.
    New,
}

impl TestSet {
    fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
        }
    }
}

/// Test images, coded by one model at several λ and decoded by it or by another model.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    pub encoder: Model,
    /// The model that decodes, if it is another.
    pub decoder: Option<Model>,
    pub set: TestSet,
    pub lambdas: Vec<f32>,
}

/// A task with a result of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    Train(Model),
    Measure(Measurement),
}

impl Task {
    /// Name for people.
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

    /// Tasks that must be finished before this one.
    #[must_use]
    pub fn needs(&self) -> Vec<Self> {
        match self {
            Self::Train(model) => model.parent().map(Self::Train).into_iter().collect(),
            Self::Measure(m) => std::iter::once(m.encoder).chain(m.decoder).map(Self::Train).collect(),
        }
    }
}

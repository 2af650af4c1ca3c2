//! What is compared: systems, what they learn, and by which strategy.

use serde::{Deserialize, Serialize};

use crate::replay::Strategy;

/// λ of pre-training, and the two ranges to which rate-incremental learning takes it (method, "rate-incremental").
pub const OLD: [f32; 2] = [32.0, 1024.0];
const HIGHER: [f32; 2] = [32.0, 4096.0];
const LOWER: [f32; 2] = [4.0, 1024.0];

/// A system of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    Ours,
    Msh,
    MshVr,
    Gma,
    GmaVr,
}

impl System {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ours, Self::Msh, Self::MshVr, Self::Gma, Self::GmaVr];
    /// Those that code at a range of λ, and learn.
    pub const VARIABLE: [Self; 3] = [Self::Ours, Self::MshVr, Self::GmaVr];

    /// As in settings and names of files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Msh => "msh",
            Self::MshVr => "msh-vr",
            Self::Gma => "gma",
            Self::GmaVr => "gma-vr",
        }
    }

    /// As in figures.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Msh => "MSH",
            Self::MshVr => "MSH-VR",
            Self::Gma => "GMA",
            Self::GmaVr => "GMA-VR",
        }
    }

    /// Whether it writes files. Rates of the others are estimates.
    #[must_use]
    pub fn writes_files(self) -> bool {
        self == Self::Ours
    }
}

/// What a trained model learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Another kind of images.
    Data,
    /// λ beyond the upper end.
    Higher,
    /// λ below the lower end.
    Lower,
    /// Nothing new: the control, which tells what more training alone gives.
    Nothing,
}

impl Change {
    /// As in names of files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::Nothing => "nothing",
        }
    }

    /// The range of λ that it learns.
    #[must_use]
    pub fn lambda(self) -> [f32; 2] {
        match self {
            Self::Data | Self::Nothing => OLD,
            Self::Higher => HIGHER,
            Self::Lower => LOWER,
        }
    }
}

/// A trained model, by what it is trained for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    pub system: System,
    /// λ of its training from scratch.
    pub lambda: [f32; 2],
    /// What it learned then, and how.
    pub learned: Option<(Change, Strategy)>,
}

impl Model {
    /// A system trained over λ 32 to 1024.
    #[must_use]
    pub fn pretrained(system: System) -> Self {
        Self { system, lambda: OLD, learned: None }
    }

    /// A system trained for one λ.
    #[must_use]
    pub fn single(system: System, lambda: f32) -> Self {
        Self { system, lambda: [lambda; 2], learned: None }
    }

    /// What it becomes by learning.
    #[must_use]
    pub fn after(self, change: Change, strategy: Strategy) -> Self {
        Self { learned: Some((change, strategy)), ..self }
    }

    /// What it learned from.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        self.learned.map(|_| Self { learned: None, ..self })
    }

    /// As in names of files.
    #[must_use]
    pub fn name(self) -> String {
        let system = self.system.name();
        match self.learned {
            Some((change, strategy)) => format!("{system}-{}-{}", change.name(), strategy.name()),
            None if self.lambda[0] == self.lambda[1] => format!("{system}-{}", self.lambda[0]),
            None => system.into(),
        }
    }
}

//! The compared models: systems, what they learn, and by which strategy.

use serde::{Deserialize, Serialize};

use heirloom_train::trainer::learn_config::Strategy;

/// Ranges of λ of pre-training and of rate-incremental learning (Duan et al., CVPR 2024, section
/// 5).
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
    /// All systems.
    pub const ALL: [Self; 5] = [Self::Ours, Self::Msh, Self::MshVr, Self::Gma, Self::GmaVr];
    /// The systems that code at a range of λ, and learn.
    pub const VARIABLE: [Self; 3] = [Self::Ours, Self::MshVr, Self::GmaVr];

    /// Name in settings and file names.
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

    /// Name in figures.
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

    /// Whether the system writes files. Rates of the others are estimates.
    #[must_use]
    pub fn writes_files(self) -> bool {
        self == Self::Ours
    }
}

/// Change that a pre-trained model learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Another kind of images.
    Data,
    /// λ beyond the upper end.
    Higher,
    /// λ below the lower end.
    Lower,
    /// Nothing new: a control that shows the effect of longer training.
    Nothing,
}

impl Change {
    /// Name in file names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::Nothing => "nothing",
        }
    }

    /// Range of λ that is learned.
    #[must_use]
    pub fn lambda(self) -> [f32; 2] {
        match self {
            Self::Data | Self::Nothing => OLD,
            Self::Higher => HIGHER,
            Self::Lower => LOWER,
        }
    }
}

/// A trained model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    pub system: System,
    /// Range of λ of its training from scratch.
    pub lambda: [f32; 2],
    /// Change that it learned afterwards, and by which strategy.
    pub learning: Option<(Change, Strategy)>,
}

impl Model {
    /// A system trained over λ 32 to 1024.
    #[must_use]
    pub fn pretrained(system: System) -> Self {
        Self { system, lambda: OLD, learning: None }
    }

    /// A system trained for a single λ.
    #[must_use]
    pub fn single(system: System, lambda: f32) -> Self {
        Self { system, lambda: [lambda; 2], learning: None }
    }

    /// The model that results from learning.
    #[must_use]
    pub fn learned(self, change: Change, strategy: Strategy) -> Self {
        Self { learning: Some((change, strategy)), ..self }
    }

    /// The model that it learned from.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        self.learning.map(|_| Self { learning: None, ..self })
    }

    /// Name in file names.
    #[must_use]
    pub fn name(self) -> String {
        let system = self.system.name();
        match self.learning {
            Some((change, strategy)) => format!("{system}-{}-{}", change.name(), strategy.name()),
            None if self.lambda[0] == self.lambda[1] => format!("{system}-{}", self.lambda[0]),
            None => system.into(),
        }
    }
}

//! Systems and widths of the baselines.

use serde::{Deserialize, Serialize};

use crate::error::{Result, TrainError};

/// Largest number of channels.
const MAX_CHANNELS: usize = 1024;
/// Largest length of the λ embedding.
const MAX_EMBEDDING: usize = 2048;
/// Length of the λ embedding in the paper.
const EMBEDDING: usize = 256;

/// A system that the paper compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Mean-scale hyperprior, for one λ.
    Msh,
    /// The same for a range of λ.
    MshVr,
    /// Attention and masked context, for one λ.
    Gma,
    /// The same for a range of λ.
    GmaVr,
}

impl Kind {
    /// Name in configurations and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Msh => "msh",
            Self::MshVr => "msh-vr",
            Self::Gma => "gma",
            Self::GmaVr => "gma-vr",
        }
    }

    /// Whether the network sees λ.
    #[must_use]
    pub fn follows_lambda(self) -> bool {
        matches!(self, Self::MshVr | Self::GmaVr)
    }

    /// Whether latents are predicted from their neighbours.
    #[must_use]
    pub fn has_context(self) -> bool {
        matches!(self, Self::Gma | Self::GmaVr)
    }
}

/// The shape of a baseline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineSpec {
    pub system: Kind,
    /// Channels of the transforms and of the hyper-latent; the paper has 192.
    pub n: usize,
    /// Channels of the latent, for `msh` and `msh-vr` only; the paper has 320. The others have `n`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub m: Option<usize>,
    /// Length of the λ embedding, for systems that follow λ [default: 256].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding: Option<usize>,
}

impl BaselineSpec {
    /// A system with the paper's widths.
    #[must_use]
    pub fn paper(system: Kind) -> Self {
        let m = (!system.has_context()).then_some(320);
        Self { system, n: 192, m, embedding: None }
    }

    /// Channels of the latent.
    #[must_use]
    pub fn latents(&self) -> usize {
        self.m.unwrap_or(self.n)
    }

    /// Length of the λ embedding; none without λ.
    #[must_use]
    pub fn embedding(&self) -> Option<usize> {
        self.system.follows_lambda().then(|| self.embedding.unwrap_or(EMBEDDING))
    }

    /// Checks every number.
    ///
    /// # Errors
    /// The first one out of range, by name.
    pub fn check(&self) -> Result<()> {
        let name = self.system.name();
        let refuse = |message: String| Err(TrainError::Config(format!("network: {message}")));
        for (what, channels) in [("n", self.n), ("m", self.latents())] {
            if channels < 2 || channels % 2 != 0 || channels > MAX_CHANNELS {
                return refuse(format!("{what} is {channels}; it must be even, 2 to {MAX_CHANNELS}"));
            }
        }
        match (self.system.has_context(), self.m) {
            (true, Some(_)) => return refuse(format!("{name} has n latent channels: leave out m")),
            (false, None) => return refuse(format!("{name} needs m, the channels of its latent (the paper has 320)")),
            _ => {}
        }
        match self.embedding {
            Some(_) if !self.system.follows_lambda() => refuse(format!("{name} does not see λ: leave out embedding")),
            Some(e) if e < 4 || e % 2 != 0 || e > MAX_EMBEDDING => {
                refuse(format!("embedding is {e}; it must be even, 4 to {MAX_EMBEDDING}"))
            }
            _ => Ok(()),
        }
    }
}

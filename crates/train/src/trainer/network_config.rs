//! The part `network` of a run's configuration.

use heirloom_codec::model::Spec;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Result, TrainError},
    model::{
        baseline::{hyperprior::Baseline, spec::BaselineSpec},
        network::Network,
        parameters::Layout,
        system::System,
    },
};

/// The network to train: the proposed one, by its width or by all of its numbers, or a baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    untagged,
    expecting = "network must be { width, embedding }, every field of a spec, or { system, n, m, embedding } with one of the \
                 systems msh, msh-vr, gma and gma-vr"
)]
pub enum NetworkConfig {
    /// The paper's network with every channel count multiplied by `width` / 128.
    Scaled { width: usize, embedding: usize },
    /// A baseline: its system and widths.
    Baseline(BaselineSpec),
    /// All fields of the spec.
    Full(Box<Spec>),
}

impl NetworkConfig {
    /// Spec of the network; none for a baseline.
    #[must_use]
    pub fn spec(&self) -> Option<Spec> {
        match self {
            Self::Scaled { width, embedding } => Some(Spec::scaled(*width, *embedding)),
            Self::Full(spec) => Some((**spec).clone()),
            Self::Baseline(_) => None,
        }
    }

    /// The same network with every number written out. Two networks are the same if these are
    /// equal.
    #[must_use]
    pub fn resolved(&self) -> Self {
        self.spec().map_or_else(|| self.clone(), |spec| Self::Full(Box::new(spec)))
    }

    /// Name of the system in records: `proposed`, or that of the baseline.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Baseline(spec) => spec.system.name(),
            Self::Scaled { .. } | Self::Full(_) => "proposed",
        }
    }

    /// Whether one model codes at a range of λ.
    #[must_use]
    pub fn follows_lambda(&self) -> bool {
        !matches!(self, Self::Baseline(spec) if !spec.system.follows_lambda())
    }

    /// Builds the network: the layout of its parameters, and its training graph.
    ///
    /// # Errors
    /// Numbers out of range.
    pub fn system(&self) -> Result<(Layout, Box<dyn System>)> {
        if let Self::Baseline(spec) = self {
            let (layout, system) = Baseline::new(spec)?;
            return Ok((layout, Box::new(system)));
        }
        let spec = self.spec().ok_or_else(|| TrainError::Config("network has no spec".into()))?;
        let layout = Layout::new(&spec);
        let network = Network::new(&spec, &layout)?;
        Ok((layout, Box::new(network)))
    }

    /// Checks every number.
    ///
    /// # Errors
    /// The first one out of range, by name.
    pub fn check(&self) -> Result<()> {
        let checked = |spec: &Spec| spec.validate().map_err(|e| TrainError::Config(e.to_string()));
        match self {
            Self::Baseline(spec) => spec.check(),
            Self::Scaled { width, embedding } => checked(&Spec::scaled(*width, *embedding)),
            Self::Full(spec) => checked(spec),
        }
    }
}

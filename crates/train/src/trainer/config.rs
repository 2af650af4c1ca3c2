//! Every number of a training run, as TOML.

use std::{fs, path::Path};

use heirloom_codec::model::Spec;
use serde::{Deserialize, Serialize};

use crate::{
    Result, TrainError,
    data::Augmentation,
    model::{
        Layout, Network, System,
        baseline::{Baseline, BaselineSpec},
    },
    ops::Precision,
    replay::Learn,
};

/// Which network is trained: the proposed one by a width (channel counts are those of the paper times width / 128) or by every
/// number, or a baseline by its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    untagged,
    expecting = "network must be { width, embedding }, every field of a spec, or { system, n, m, embedding } with one of the \
                 systems msh, msh-vr, gma and gma-vr"
)]
pub enum NetworkConfig {
    /// `width` and `embedding`.
    Scaled { width: usize, embedding: usize },
    /// A baseline: `system` and its widths.
    Baseline(BaselineSpec),
    /// All fields of the spec.
    Full(Box<Spec>),
}

impl NetworkConfig {
    /// The spec it stands for; none for a baseline.
    #[must_use]
    pub fn spec(&self) -> Option<Spec> {
        match self {
            Self::Scaled { width, embedding } => Some(Spec::scaled(*width, *embedding)),
            Self::Full(spec) => Some((**spec).clone()),
            Self::Baseline(_) => None,
        }
    }

    /// With every number: equal for equal networks.
    #[must_use]
    pub fn resolved(&self) -> Self {
        self.spec().map_or_else(|| self.clone(), |spec| Self::Full(Box::new(spec)))
    }

    /// What records call it.
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

    /// The parameters' places, and what runs them.
    ///
    /// # Errors
    /// Numbers that make no sense.
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

    fn check(&self) -> Result<()> {
        match self {
            Self::Baseline(spec) => spec.check(),
            Self::Scaled { width, embedding } => checked(&Spec::scaled(*width, *embedding)),
            Self::Full(spec) => checked(spec),
        }
    }
}

fn checked(spec: &Spec) -> Result<()> {
    spec.validate().map_err(|e| TrainError::Config(e.to_string()))
}

/// From a step on, batches of this shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// First step of the phase; the first phase begins at 0.
    pub from_step: u64,
    /// Side of the square crops: a multiple of 64.
    pub crop: usize,
    /// Crops per step.
    pub batch: usize,
}

/// How gradients change the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimiser {
    /// Adam for all weights, as in the paper.
    Adam,
    /// Orthogonalised momentum for the matrices between feature maps, Adam for all others.
    Muon,
}

/// Everything about a run but the folders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub network: NetworkConfig,
    /// Of start values, order of images, crops, λ and noise.
    pub seed: u64,
    /// Total number of steps.
    pub steps: u64,
    /// Lowest and highest λ.
    pub lambda: [f32; 2],
    pub phases: Vec<Phase>,
    pub augmentation: Augmentation,
    /// Of the products between feature maps, on a CPU.
    pub precision: Precision,
    /// Images count by λ^−balance: 0 as in the paper, 0.5 for low rates as much as high ones.
    pub balance: f64,
    /// Share of the steps, at the end, in which the branches see rounded instead of noisy latents.
    pub rounded: f64,
    /// Start of the blocks' per-channel factor.
    pub layer_scale: f32,
    /// Names of parameters that start with one of these stay as they are.
    pub freeze: Vec<String>,
    pub optimiser: Optimiser,
    pub learning_rate: f64,
    /// Steps over which the rate rises from 0.
    pub warmup_steps: u64,
    /// Share of the steps (warm-up included) before the cosine begins.
    pub hold: f64,
    /// The rate at the last step, as a share of `learning_rate`.
    pub final_ratio: f64,
    /// Adam's decay of the first and second moment, and its ε.
    pub beta1: f64,
    pub beta2: f64,
    pub epsilon: f64,
    /// Muon's decay of the gradient's average.
    pub momentum: f64,
    /// Largest global norm of the gradient.
    pub clip: f64,
    /// Decay of the averaged weights is `ema_decay * (1 − exp(−step / ema_warmup))`.
    pub ema_decay: f64,
    pub ema_warmup: f64,
    /// A gradient whose norm is more than this many times the usual one is skipped like one that is not finite; 0 for never.
    pub spike: f64,
    /// So many steps in a row without a usable gradient end the run.
    pub max_not_finite: u32,
    /// Steps between lines of metrics; averages over them.
    pub log_every: u64,
    /// Steps between probes (rounded, averaged weights, lowest and highest λ); 0 for none.
    pub probe_every: u64,
    /// Images of a probe, their middle 256 × 256.
    pub probe_images: usize,
    /// Steps between checkpoints, a multiple of `log_every`.
    pub checkpoint_every: u64,
    /// Checkpoints kept.
    pub keep_checkpoints: usize,
    /// Threads that prepare batches.
    pub loader_threads: usize,
    /// Memory for decoded images, and as much again for those that are replayed.
    pub cache_mib: usize,
    /// Set in runs that learn from a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learn: Option<Learn>,
}

impl Default for Config {
    /// The `base` preset.
    fn default() -> Self {
        Self {
            network: NetworkConfig::Scaled { width: 128, embedding: 256 },
            seed: 1,
            steps: 500_000,
            lambda: [32.0, 1024.0],
            phases: vec![Phase { from_step: 0, crop: 256, batch: 32 }],
            augmentation: Augmentation::default(),
            precision: Precision::Single,
            balance: 0.0,
            rounded: 0.0,
            layer_scale: 1e-6,
            freeze: Vec::new(),
            optimiser: Optimiser::Adam,
            learning_rate: 2e-4,
            warmup_steps: 0,
            hold: 0.5,
            final_ratio: 0.1,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            momentum: 0.95,
            clip: 2.0,
            ema_decay: 0.9999,
            ema_warmup: 10_000.0,
            spike: 0.0,
            max_not_finite: 50,
            log_every: 20,
            probe_every: 1000,
            probe_images: 8,
            checkpoint_every: 500,
            keep_checkpoints: 2,
            loader_threads: 2,
            cache_mib: 4096,
            learn: None,
        }
    }
}

impl Config {
    /// Reads TOML. Keys that are left out have the values of `base`, or of the preset that a first key `preset` names.
    ///
    /// # Errors
    /// Text that is not TOML, unknown keys, values out of range.
    pub fn from_toml(text: &str) -> Result<Self> {
        Self::from_toml_over(text, |preset| Self::preset(preset.unwrap_or("base")))
    }

    /// As [`Self::from_toml`]; `base` gives the values of keys that are left out, knowing the preset that is named.
    ///
    /// # Errors
    /// As [`Self::from_toml`], and those of `base`.
    pub fn from_toml_over(text: &str, base: impl FnOnce(Option<&str>) -> Result<Self>) -> Result<Self> {
        let bad = |e: toml::de::Error| TrainError::Config(e.to_string());
        let mut given: toml::Table = toml::from_str(text).map_err(bad)?;
        let preset = match given.remove("preset") {
            None => None,
            Some(toml::Value::String(name)) => Some(name),
            Some(_) => return Err(TrainError::Config("preset must be a name in quotes".into())),
        };
        let mut table: toml::Table = toml::from_str(&base(preset.as_deref())?.to_toml()?).map_err(bad)?;
        table.extend(given);
        let config: Self = table.try_into().map_err(bad)?;
        config.check()?;
        Ok(config)
    }

    /// Reads a file as [`Self::from_toml`] reads its text.
    ///
    /// # Errors
    /// A file that cannot be read, and those of [`Self::from_toml`], by name.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(TrainError::io("read", path))?;
        Self::from_toml(&text).map_err(|e| TrainError::Config(format!("{}: {e}", path.display())))
    }

    /// All keys and values as TOML.
    ///
    /// # Errors
    /// Numbers that TOML cannot hold (steps beyond 2^63).
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| TrainError::Config(e.to_string()))
    }

    /// Checks every value.
    ///
    /// # Errors
    /// The first one that makes no sense, by name.
    pub fn check(&self) -> Result<()> {
        self.network.check()?;
        let require = |ok: bool, message: &str| if ok { Ok(()) } else { Err(TrainError::Config(message.into())) };
        require(self.steps > 0, "steps must be at least 1")?;
        require(
            self.lambda[0] > 0.0 && self.lambda[0] <= self.lambda[1] && self.lambda[1].is_finite(),
            "lambda must be [low, high] with 0 < low <= high",
        )?;
        require(self.phases.first().is_some_and(|p| p.from_step == 0), "phases must begin with from_step = 0")?;
        require(
            self.phases.windows(2).all(|p| p[0].from_step < p[1].from_step),
            "phases must be in ascending order of from_step",
        )?;
        for phase in &self.phases {
            require(
                phase.crop >= 64 && phase.crop % 64 == 0 && phase.crop <= 4096,
                "crop must be a multiple of 64, at most 4096",
            )?;
            require(phase.batch > 0 && phase.batch <= 4096, "batch must be 1 to 4096")?;
        }
        let [low, high] = self.augmentation.shrink;
        require(low > 0.0 && low <= high && high <= 1.0, "augmentation.shrink must be [low, high] within 0 to 1")?;
        require((0.0..=1.0).contains(&self.balance), "balance must be within 0 to 1")?;
        require(
            self.network.follows_lambda() || self.lambda[0] == self.lambda[1],
            "this system codes at one λ: lambda must be that λ twice, such as [256, 256]",
        )?;
        require(self.layer_scale.is_finite(), "layer_scale must be finite")?;
        require(self.learning_rate > 0.0 && self.learning_rate.is_finite(), "learning_rate must be positive")?;
        require(
            [self.hold, self.final_ratio, self.rounded].iter().all(|share| (0.0..=1.0).contains(share)),
            "hold, final_ratio and rounded must be within 0 to 1",
        )?;
        require(
            [self.beta1, self.beta2, self.momentum].iter().all(|decay| (0.0..1.0).contains(decay)),
            "beta1, beta2 and momentum must be within 0 to 1, below 1",
        )?;
        require(self.epsilon > 0.0 && self.clip > 0.0, "epsilon and clip must be positive")?;
        require(self.spike == 0.0 || self.spike > 1.0, "spike must be 0 or above 1")?;
        require(
            (0.0..1.0).contains(&self.ema_decay) && self.ema_warmup > 0.0,
            "ema_decay must be within 0 to 1, below 1; ema_warmup positive",
        )?;
        require(
            self.max_not_finite > 0 && self.log_every > 0 && self.keep_checkpoints > 0,
            "max_not_finite, log_every and keep_checkpoints must be at least 1",
        )?;
        require(
            self.checkpoint_every > 0 && self.checkpoint_every.is_multiple_of(self.log_every),
            "checkpoint_every must be a multiple of log_every",
        )?;
        match &self.learn {
            Some(learn) => learn.check(self.phases.iter().map(|phase| phase.batch)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changes_a_preset_and_unknown_keys_are_refused() {
        let config =
            Config::from_toml("preset = \"small\"\nsteps = 7\nnetwork = { width = 48, embedding = 64 }").unwrap();
        assert_eq!((config.steps, config.network.spec().unwrap().widths[0], config.layer_scale), (7, 48, 0.2));
        assert!(Config::from_toml("stepps = 7").unwrap_err().to_string().contains("stepps"));
        let said = Config::from_toml("network = { system = \"mhs\", n = 8 }").unwrap_err().to_string();
        assert!(said.contains("msh-vr"), "{said}");
        assert!(Config::from_toml("checkpoint_every = 30").unwrap_err().to_string().contains("checkpoint_every"));
    }
}

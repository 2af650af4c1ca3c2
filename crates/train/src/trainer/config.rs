//! All settings of a training run, as TOML.

use heirloom_format::container::CANVAS_UNIT;
use serde::{Deserialize, Serialize};

use super::{learn_config::LearnConfig, network_config::NetworkConfig};
use crate::{
    data::{
        crop::Augmentation,
        sampler::{BatchSampler, LambdaLaw},
    },
    error::{Result, TrainError},
    ops::Precision,
};

/// Key of earlier versions and its present name.
const RENAMED: (&str, &str) = ("probe_pictures", "probe_images");
/// Largest side of a crop.
const MAX_CROP: usize = 4096;
/// Largest number of crops per step.
const MAX_BATCH: usize = 4096;

/// Shape of the batches from a step on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// First step of the phase. The first phase begins at 0.
    pub from_step: u64,
    /// Side of the square crops in pixels: a multiple of 64.
    pub crop: usize,
    /// Crops per step.
    pub batch: usize,
}

/// Rule by which gradients change the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimiser {
    /// Adam for all weights, as in the paper.
    Adam,
    /// Orthogonalised momentum for the matrices between feature maps, Adam for all other weights.
    Muon,
}

/// All settings of a run except its folders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub network: NetworkConfig,
    /// Seed of the initial weights, the order of images, crops, λ and noise.
    pub seed: u64,
    /// Total number of steps.
    pub steps: u64,
    /// Lowest and highest λ.
    pub lambda: [f32; 2],
    /// Distribution of λ between the two: `cube-root` as in the paper, or `log-uniform`, which
    /// draws every ratio of rates equally often.
    pub lambda_law: LambdaLaw,
    pub phases: Vec<Phase>,
    pub augmentation: Augmentation,
    /// Precision of the products between feature maps, on a CPU.
    pub precision: Precision,
    /// Exponent b of an image's weight in the loss, λ^−b: 0 as in the paper; with 0.5, low rates
    /// weigh about as much as high ones.
    pub balance: f64,
    /// Share of the steps, at the end, in which the branches see rounded latents instead of noisy
    /// ones.
    pub rounded: f64,
    /// Share of the steps, at the end, in which the network computes with its weights as a model
    /// file holds them, rounded to 8 bits. In the backward pass, rounding is the identity.
    pub rounded_weights: f64,
    /// Initial value of the blocks' per-channel factor.
    pub layer_scale: f32,
    /// Prefixes of the names of parameters that do not learn.
    pub freeze: Vec<String>,
    pub optimiser: Optimiser,
    pub learning_rate: f64,
    /// Steps over which the learning rate rises from 0.
    pub warmup_steps: u64,
    /// Share of the steps, warm-up included, before the learning rate falls along a cosine.
    pub hold: f64,
    /// Learning rate at the last step, as a share of `learning_rate`.
    pub final_ratio: f64,
    /// Adam's decay of the first moment.
    pub beta1: f64,
    /// Adam's decay of the second moment.
    pub beta2: f64,
    /// Adam's ε.
    pub epsilon: f64,
    /// Muon's decay of the averaged gradient.
    pub momentum: f64,
    /// Largest global norm of the gradient; longer ones are scaled down to it.
    pub clip: f64,
    /// The decay of the averaged weights is `ema_decay * (1 − exp(−step / ema_warmup))`.
    pub ema_decay: f64,
    pub ema_warmup: f64,
    /// A step whose gradient norm exceeds the usual one by this factor is skipped, as one without a
    /// finite gradient is; 0 for no limit.
    pub spike: f64,
    /// Number of consecutive steps without a usable gradient that ends the run.
    pub max_not_finite: u32,
    /// Steps per line of metrics, which holds their averages.
    pub log_every: u64,
    /// Steps between probes: the averaged weights, with rounded latents, at the lowest and the
    /// highest λ. 0 for none.
    pub probe_every: u64,
    /// Images per probe; of each the middle 256 × 256 pixels.
    #[serde(alias = "probe_pictures")]
    pub probe_images: usize,
    /// Steps between checkpoints: a multiple of `log_every`.
    pub checkpoint_every: u64,
    /// Number of checkpoints kept.
    pub keep_checkpoints: usize,
    /// Threads that prepare batches.
    pub loader_threads: usize,
    /// Memory for decoded images in MiB, and as much again for those that are replayed.
    pub cache_mib: usize,
    /// Set in runs that learn from a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learn: Option<LearnConfig>,
}

impl Default for Config {
    /// The preset `base`.
    fn default() -> Self {
        Self {
            network: NetworkConfig::Scaled { width: 128, embedding: 256 },
            seed: 1,
            steps: 500_000,
            lambda: [32.0, 1024.0],
            lambda_law: LambdaLaw::CubeRoot,
            phases: vec![Phase { from_step: 0, crop: 256, batch: 32 }],
            augmentation: Augmentation::default(),
            precision: Precision::default(),
            balance: 0.0,
            rounded: 0.0,
            rounded_weights: 0.0,
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
    /// Reads TOML over a base configuration, which `base` gives for the preset that the key
    /// `preset` names, if there is one. The base's values stand for keys that are left out.
    ///
    /// # Errors
    /// Text that is not TOML, unknown keys, values out of range, and errors of `base`.
    pub fn from_toml_over(text: &str, base: impl FnOnce(Option<&str>) -> Result<Self>) -> Result<Self> {
        let invalid = |e: toml::de::Error| TrainError::Config(e.to_string());
        let mut given: toml::Table = toml::from_str(text).map_err(invalid)?;
        let preset = match given.remove("preset") {
            None => None,
            Some(toml::Value::String(name)) => Some(name),
            Some(_) => return Err(TrainError::Config("preset must be a name in quotes".into())),
        };
        let (old, new) = RENAMED;
        if let Some(value) = given.remove(old)
            && given.insert(new.into(), value).is_some()
        {
            return Err(TrainError::Config(format!("{old} is the old name of {new}; give one of them")));
        }
        let mut table: toml::Table = toml::from_str(&base(preset.as_deref())?.to_toml()?).map_err(invalid)?;
        table.extend(given);
        let config: Self = table.try_into().map_err(invalid)?;
        config.check()?;
        Ok(config)
    }

    /// Writes all keys and values as TOML.
    ///
    /// # Errors
    /// Numbers that TOML cannot hold (steps beyond 2^63).
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| TrainError::Config(e.to_string()))
    }

    /// Sampler of the batches of new images.
    #[must_use]
    pub fn sampler(&self) -> BatchSampler {
        BatchSampler {
            seed: self.seed,
            augmentation: self.augmentation.clone(),
            lambda: self.lambda,
            law: self.lambda_law,
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// The first one out of range, by name.
    pub fn check(&self) -> Result<()> {
        self.network.check()?;
        self.check_batches()?;
        self.check_optimiser()?;
        require(self.steps > 0, "steps must be at least 1")?;
        require((0.0..=1.0).contains(&self.balance), "balance must be within 0 to 1")?;
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

    fn check_batches(&self) -> Result<()> {
        let [low, high] = self.lambda;
        require(low > 0.0 && low <= high && high.is_finite(), "lambda must be [low, high] with 0 < low <= high")?;
        require(
            self.network.follows_lambda() || low == high,
            "this system codes at one λ: lambda must be that λ twice, such as [256, 256]",
        )?;
        require(self.phases.first().is_some_and(|p| p.from_step == 0), "phases must begin with from_step = 0")?;
        require(
            self.phases.windows(2).all(|p| p[0].from_step < p[1].from_step),
            "phases must be in ascending order of from_step",
        )?;
        for phase in &self.phases {
            require(
                phase.crop > 0 && phase.crop.is_multiple_of(CANVAS_UNIT) && phase.crop <= MAX_CROP,
                "crop must be a multiple of 64, at most 4096",
            )?;
            require(phase.batch > 0 && phase.batch <= MAX_BATCH, "batch must be 1 to 4096")?;
        }
        let [low, high] = self.augmentation.shrink;
        require(low > 0.0 && low <= high && high <= 1.0, "augmentation.shrink must be [low, high] within 0 to 1")
    }

    fn check_optimiser(&self) -> Result<()> {
        require(self.layer_scale.is_finite(), "layer_scale must be finite")?;
        require(self.learning_rate > 0.0 && self.learning_rate.is_finite(), "learning_rate must be positive")?;
        require(
            [self.hold, self.final_ratio, self.rounded, self.rounded_weights]
                .iter()
                .all(|share| (0.0..=1.0).contains(share)),
            "hold, final_ratio, rounded and rounded_weights must be within 0 to 1",
        )?;
        require(
            self.rounded_weights == 0.0 || self.network.spec().is_some(),
            "rounded_weights must be 0: no model file holds a baseline",
        )?;
        require(
            [self.beta1, self.beta2, self.momentum].iter().all(|decay| (0.0..1.0).contains(decay)),
            "beta1, beta2 and momentum must be at least 0 and below 1",
        )?;
        require(self.epsilon > 0.0 && self.clip > 0.0, "epsilon and clip must be positive")?;
        require(self.spike == 0.0 || self.spike > 1.0, "spike must be 0 or above 1")?;
        require(
            (0.0..1.0).contains(&self.ema_decay) && self.ema_warmup > 0.0,
            "ema_decay must be at least 0 and below 1, ema_warmup positive",
        )
    }
}

fn require(ok: bool, message: &str) -> Result<()> {
    if ok { Ok(()) } else { Err(TrainError::Config(message.into())) }
}

//! Settings of an experiment: networks, training, and measurements.

use std::{collections::BTreeMap, fs, path::Path};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::model::System;
use heirloom_train::{
    error::{Result, TrainError},
    trainer::{config::Config, network_config::NetworkConfig},
};

/// Named settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// Everything in minutes, with networks too small to learn anything.
    Smoke,
    /// Narrower networks and short training: hours on two CPU cores.
    Small,
    /// The paper's settings.
    Paper,
}

/// All settings of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Note at the top of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Largest number of test images per set: the first ones by name.
    pub images: usize,
    /// Points of a curve over λ 32 to 1024, evenly spaced on a logarithmic scale.
    pub points: usize,
    /// Values of λ for the systems that code at a single one, each trained for itself.
    pub single: Vec<f32>,
    /// Keys of the training configuration of all systems, over those of the preset that it names.
    pub pretraining: toml::Table,
    /// The same for learning from a trained model.
    pub learning: toml::Table,
    /// Network of each system.
    pub networks: BTreeMap<System, NetworkConfig>,
}

impl Settings {
    /// Settings of a scale.
    ///
    /// # Errors
    /// Invalid settings, which a test of this crate rules out.
    pub fn of(scale: Scale) -> Result<Self> {
        Self::from_toml(match scale {
            Scale::Smoke => include_str!("scales/smoke.toml"),
            Scale::Small => include_str!("scales/small.toml"),
            Scale::Paper => include_str!("scales/paper.toml"),
        })
    }

    /// Reads TOML in which every key is given.
    ///
    /// # Errors
    /// Keys that are unknown or missing, values out of range.
    pub fn from_toml(text: &str) -> Result<Self> {
        let settings: Self = toml::from_str(text).map_err(|e| TrainError::Config(e.to_string()))?;
        settings.check()?;
        Ok(settings)
    }

    /// Reads a TOML file, see [`Self::from_toml`].
    ///
    /// # Errors
    /// A file that cannot be read, and errors of [`Self::from_toml`], with the file's name.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(TrainError::io("read", path))?;
        Self::from_toml(&text).map_err(|e| TrainError::Config(format!("{}: {e}", path.display())))
    }

    /// Writes the settings as TOML.
    ///
    /// # Errors
    /// Numbers that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| TrainError::Config(e.to_string()))
    }

    fn check(&self) -> Result<()> {
        let require = |ok: bool, message: &str| if ok { Ok(()) } else { Err(TrainError::Config(message.into())) };
        require(self.images > 0, "images must be at least 1")?;
        require((2..=64).contains(&self.points), "points must be 2 to 64")?;
        let ascending = self.single.windows(2).all(|pair| pair[0] < pair[1]);
        let valid = self.single.iter().all(|lambda| lambda.is_finite() && *lambda > 0.0);
        require(!self.single.is_empty() && ascending && valid, "single must be an ascending list of λ above 0")?;
        for system in System::ALL {
            self.pretraining(system, [1.0, 1.0]).map_err(|e| TrainError::Config(format!("{}: {e}", system.name())))?;
        }
        Config::from_toml(&self.learning()?).map(drop)
    }

    /// Configuration of a system's training from scratch over a range of λ.
    ///
    /// # Errors
    /// Values out of range.
    pub fn pretraining(&self, system: System, lambda: [f32; 2]) -> Result<Config> {
        let Some(network) = self.networks.get(&system) else {
            return Err(TrainError::Config(format!("networks lacks {}", system.name())));
        };
        let text = toml::to_string(&self.pretraining).map_err(|e| TrainError::Config(e.to_string()))?;
        let config = Config { network: network.clone(), lambda, ..Config::from_toml(&text)? };
        config.check()?;
        Ok(config)
    }

    /// Keys for learning, as TOML.
    ///
    /// # Errors
    /// Numbers that TOML cannot hold.
    pub fn learning(&self) -> Result<String> {
        toml::to_string(&self.learning).map_err(|e| TrainError::Config(e.to_string()))
    }

    /// Values of λ of a curve over a range, at the same logarithmic distance for every range:
    /// [`Self::points`] of them within λ 32 to 1024.
    #[must_use]
    pub fn lambdas(&self, [low, high]: [f32; 2]) -> Vec<f32> {
        let [old_low, old_high] = super::model::OLD.map(|lambda| f64::from(lambda).log2());
        let span = f64::from(high).log2() - f64::from(low).log2();
        let count = ((self.points - 1) as f64 * span / (old_high - old_low)).round().max(1.0);
        (0..=count as usize).map(|i| (f64::from(low).log2() + span * i as f64 / count).exp2() as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scale_is_sound_and_survives_toml() {
        for scale in Scale::value_variants() {
            let settings = Settings::of(*scale).unwrap();
            assert_eq!(Settings::from_toml(&settings.to_toml().unwrap()).unwrap(), settings);
        }
    }

    #[test]
    fn the_paper_is_trained_as_in_its_table() {
        let settings = Settings::of(Scale::Paper).unwrap();
        let config = settings.pretraining(System::MshVr, [32.0, 1024.0]).unwrap();
        assert_eq!((config.steps, config.learning_rate, config.phases[0].batch), (500_000, 2e-4, 32));
        let config = Config::from_toml(&settings.learning().unwrap()).unwrap();
        assert_eq!((config.steps, config.learning_rate, config.ema_decay), (100_000, 1e-4, 0.0));
    }

    #[test]
    fn wider_ranges_have_more_points_at_the_same_distance() {
        let settings = Settings { points: 6, ..Settings::of(Scale::Smoke).unwrap() };
        assert_eq!(settings.lambdas([32.0, 1024.0]), [32.0, 64.0, 128.0, 256.0, 512.0, 1024.0]);
        assert_eq!(settings.lambdas([4.0, 1024.0]).len(), 9);
        assert_eq!(settings.lambdas([32.0, 4096.0]).last(), Some(&4096.0));
    }

    #[test]
    fn what_is_missing_or_senseless_is_named() {
        let text = Settings::of(Scale::Smoke).unwrap().to_toml().unwrap();
        for (from, to, says) in
            [("points = 4", "points = 1", "points"), ("msh-vr", "mhs", "mhs"), ("steps = 24", "stepps = 24", "stepps")]
        {
            let said = Settings::from_toml(&text.replace(from, to)).unwrap_err().to_string();
            assert!(said.contains(says), "{said}");
        }
    }
}

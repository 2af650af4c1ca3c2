//! Configurations that have a name.

use heirloom_codec::model::Spec;

use super::config::{Config, NetworkConfig, Optimiser, Phase};
use crate::{Result, TrainError, data::Augmentation};

/// Names of the presets.
pub const PRESETS: [&str; 3] = ["tiny", "small", "base"];

impl Config {
    /// A preset by name: `base` is the paper's pre-training, `small` has the default model's network, for a CPU, `tiny` is for
    /// tests.
    ///
    /// # Errors
    /// An unknown name.
    pub fn preset(name: &str) -> Result<Self> {
        match name {
            "base" => Ok(Self::default()),
            "small" => Ok(small()),
            "tiny" => Ok(tiny()),
            other => Err(TrainError::Config(format!("there is no preset {other:?}; there are {}", PRESETS.join(", ")))),
        }
    }
}

/// Half the paper's channels and about half of its blocks, but all channels of z4.
fn small() -> Config {
    let spec = Spec {
        latents: [64, 64, 128, 32],
        encoder_blocks: [3, 3, 3, 2, 2],
        entropy_in: [0, 1, 1, 2],
        entropy_out: [1, 1, 1, 0],
        reconstruction_in: [0, 1, 2, 2],
        reconstruction_out: [1, 1, 2, 2],
        tail_blocks: 3,
        ..Spec::scaled(64, 128)
    };
    Config {
        network: NetworkConfig::Full(Box::new(spec)),
        steps: 60_000,
        phases: vec![Phase { from_step: 0, crop: 64, batch: 16 }, Phase { from_step: 8000, crop: 128, batch: 8 }],
        augmentation: Augmentation { shrink: [0.5, 1.0], flip: true },
        layer_scale: 0.2,
        optimiser: Optimiser::Muon,
        rounded: 0.15,
        learning_rate: 1e-3,
        warmup_steps: 300,
        spike: 20.0,
        hold: 0.9,
        final_ratio: 0.02,
        ema_decay: 0.9995,
        ema_warmup: 1000.0,
        log_every: 50,
        checkpoint_every: 250,
        loader_threads: 1,
        ..Config::default()
    }
}

fn tiny() -> Config {
    Config {
        network: NetworkConfig::Full(Box::new(Spec::tiny())),
        steps: 1000,
        phases: vec![Phase { from_step: 0, crop: 64, batch: 4 }],
        layer_scale: 0.2,
        learning_rate: 2e-3,
        warmup_steps: 20,
        hold: 0.1,
        final_ratio: 0.02,
        ema_decay: 0.99,
        ema_warmup: 50.0,
        log_every: 10,
        probe_every: 100,
        probe_pictures: 2,
        checkpoint_every: 100,
        loader_threads: 1,
        ..Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid_and_survive_toml() {
        for name in PRESETS {
            let preset = Config::preset(name).unwrap();
            preset.check().unwrap();
            assert_eq!(Config::from_toml(&preset.to_toml().unwrap()).unwrap(), preset);
        }
        assert!(Config::preset("huge").unwrap_err().to_string().contains("tiny, small, base"));
    }

    #[test]
    fn presets_have_the_networks_they_are_named_after() {
        // The paper's number (supplement 7); that of `small` was counted from its checkpoints, 16 bytes a weight.
        for (name, parameters) in [("base", 35_510_160), ("small", 6_823_440)] {
            assert_eq!(Config::preset(name).unwrap().network.spec().parameter_count(), parameters);
        }
    }
}

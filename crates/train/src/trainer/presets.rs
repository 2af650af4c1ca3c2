//! Configurations that have a name.

use heirloom_codec::model::Spec;

use super::config::{Config, NetworkConfig, Optimiser, Phase};
use crate::{
    Result, TrainError,
    data::Augmentation,
    model::baseline::{BaselineSpec, Kind},
};

/// Names of the presets for training from scratch.
pub const PRESETS: [&str; 3] = ["tiny", "small", "base"];
/// Names of the presets for learning from a model.
pub const LEARNING: [&str; 3] = ["learn-tiny", "learn-small", "learn-base"];
/// Names of the presets for training baselines: as wide as in the paper, and for a CPU.
pub const BASELINES: [&str; 8] =
    ["msh", "msh-vr", "gma", "gma-vr", "msh-small", "msh-vr-small", "gma-small", "gma-vr-small"];
/// λ of the presets of systems that know only one.
const ONE_LAMBDA: f32 = 256.0;

/// The preset for learning from a model with this network.
#[must_use]
pub fn learning(network: &NetworkConfig) -> &'static str {
    let [tiny, small, base] = LEARNING;
    let width = match network {
        NetworkConfig::Scaled { width, .. } => *width,
        NetworkConfig::Full(spec) => spec.widths[0],
        // Of two thirds of the baseline's channels, as 128 is of the paper's 192.
        NetworkConfig::Baseline(spec) => spec.n * 2 / 3,
    };
    match width {
        128.. => base,
        ..32 => tiny,
        _ => small,
    }
}

impl Config {
    /// A preset by name. `base` is the paper's pre-training, `small` has the default model's network, for a CPU, `tiny` is for
    /// tests. `learn-base` is the paper's fine-tuning; the others are to their namesakes about what it is to `base`. Baselines have
    /// the settings of `base` or, with half the channels, of `small`.
    ///
    /// # Errors
    /// An unknown name.
    pub fn preset(name: &str) -> Result<Self> {
        match name {
            "base" => Ok(Self::default()),
            "small" => Ok(small()),
            "tiny" => Ok(tiny()),
            "learn-base" => Ok(fine_tuning(Self::default(), 100_000, 1e-4)),
            "learn-small" => Ok(Self {
                phases: vec![Phase { from_step: 0, crop: 128, batch: 8 }],
                warmup_steps: 100,
                // What it learns from has seen rounded latents last.
                rounded: 1.0,
                balance: 0.5,
                ..fine_tuning(small(), 12_000, 2e-4)
            }),
            "learn-tiny" => Ok(Self { warmup_steps: 5, ..fine_tuning(tiny(), 200, 1e-3) }),
            "msh" => Ok(baseline(Self::default(), BaselineSpec::paper(Kind::Msh))),
            "msh-vr" => Ok(baseline(Self::default(), BaselineSpec::paper(Kind::MshVr))),
            "gma" => Ok(baseline(Self::default(), BaselineSpec::paper(Kind::Gma))),
            "gma-vr" => Ok(baseline(Self::default(), BaselineSpec::paper(Kind::GmaVr))),
            "msh-small" => Ok(baseline(small(), half(Kind::Msh))),
            "msh-vr-small" => Ok(baseline(small(), half(Kind::MshVr))),
            "gma-small" => Ok(baseline(small(), half(Kind::Gma))),
            "gma-vr-small" => Ok(baseline(small(), half(Kind::GmaVr))),
            other => {
                let names = [&PRESETS[..], &LEARNING, &BASELINES].concat().join(", ");
                Err(TrainError::Config(format!("there is no preset {other:?}; there are {names}")))
            }
        }
    }
}

/// The paper's fine-tuning: a fifth of the steps, a cosine to a tenth of the rate from the start, no average of the weights.
fn fine_tuning(from: Config, steps: u64, learning_rate: f64) -> Config {
    Config { steps, learning_rate, warmup_steps: 0, hold: 0.0, final_ratio: 0.1, ema_decay: 0.0, ..from }
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

/// The settings of `from` for a baseline: all systems of a comparison are trained alike.
fn baseline(from: Config, spec: BaselineSpec) -> Config {
    let lambda = if spec.system.follows_lambda() { from.lambda } else { [ONE_LAMBDA; 2] };
    Config { network: NetworkConfig::Baseline(spec), lambda, ..from }
}

/// Half the paper's channels.
fn half(system: Kind) -> BaselineSpec {
    let paper = BaselineSpec::paper(system);
    BaselineSpec { n: paper.n / 2, m: paper.m.map(|m| m / 2), ..paper }
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
        probe_images: 2,
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
        for name in [&PRESETS[..], &LEARNING, &BASELINES].concat() {
            let preset = Config::preset(name).unwrap();
            preset.check().unwrap();
            assert_eq!(Config::from_toml(&preset.to_toml().unwrap()).unwrap(), preset);
        }
        assert!(Config::preset("huge").unwrap_err().to_string().contains("tiny, small, base"));
    }

    #[test]
    fn presets_have_the_networks_they_are_named_after() {
        // The paper's numbers (supplement 7, method); that of `small` was counted from its checkpoints, 16 bytes a weight.
        for (name, parameters) in
            [("base", 35_510_160), ("small", 6_823_440), ("msh-vr", 19_157_155), ("gma", 29_631_788)]
        {
            assert_eq!(Config::preset(name).unwrap().network.system().unwrap().0.len(), parameters);
        }
    }

    #[test]
    fn learning_has_a_preset_for_every_network() {
        for (name, learning_name) in PRESETS.iter().zip(LEARNING) {
            let network = Config::preset(name).unwrap().network;
            assert_eq!(learning(&network), learning_name);
            assert_eq!(Config::preset(learning_name).unwrap().network, network);
        }
    }

    #[test]
    fn baselines_learn_with_the_presets_of_their_size() {
        for name in BASELINES {
            let size = if name.ends_with("small") { "learn-small" } else { "learn-base" };
            assert_eq!(learning(&Config::preset(name).unwrap().network), size);
        }
    }

    #[test]
    fn learn_base_is_the_fine_tuning_of_the_paper() {
        // The column "fine-tuning" of its table.
        let config = Config::preset("learn-base").unwrap();
        assert_eq!((config.optimiser, config.learning_rate, config.steps), (Optimiser::Adam, 1e-4, 100_000));
        assert_eq!((config.hold, config.final_ratio, config.clip, config.ema_decay), (0.0, 0.1, 2.0, 0.0));
        assert_eq!(config.phases, [Phase { from_step: 0, crop: 256, batch: 32 }]);
    }
}

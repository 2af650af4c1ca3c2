//! Named configurations, and reading configurations from TOML over them.

use std::{fs, path::Path};

use heirloom_codec::model::Spec;

use super::{
    config::{Config, Optimiser, Phase},
    network_config::NetworkConfig,
};
use crate::{
    data::{crop::Augmentation, sampler::LambdaLaw},
    error::{Result, TrainError},
    model::baseline::spec::{BaselineSpec, Kind},
};

/// Names of the presets for training from scratch.
pub const PRESETS: [&str; 4] = ["tiny", "small", "base", "third"];
/// Names of the presets for learning from a model.
pub const LEARNING: [&str; 3] = ["learn-tiny", "learn-small", "learn-base"];
/// Names of the presets for training baselines: with the paper's widths, and for a CPU.
pub const BASELINES: [&str; 8] =
    ["msh", "msh-vr", "gma", "gma-vr", "msh-small", "msh-vr-small", "gma-small", "gma-vr-small"];
/// λ in the presets of systems that code at a single λ.
const ONE_LAMBDA: f32 = 256.0;

/// Name of the preset for learning from a model with this network.
#[must_use]
pub fn learning(network: &NetworkConfig) -> &'static str {
    let [tiny, small, base] = LEARNING;
    let width = match network {
        NetworkConfig::Scaled { width, .. } => *width,
        NetworkConfig::Full(spec) => spec.widths[0],
        // The paper's networks have widths 128 and 192.
        NetworkConfig::Baseline(spec) => spec.n * 2 / 3,
    };
    match width {
        128.. => base,
        ..32 => tiny,
        _ => small,
    }
}

impl Config {
    /// Preset by name. `base` is the paper's pre-training, `small` trains the default model's
    /// network on a CPU, `third` the same network with learned quantisation steps and a spatial
    /// context, from the weights of a model without them; `tiny` is for tests. `learn-base` is the paper's fine-tuning; the other
    /// `learn-` presets correspond to it. Baselines have the settings of `base`, or with half the
    /// channels those of `small`.
    ///
    /// # Errors
    /// An unknown name.
    pub fn preset(name: &str) -> Result<Self> {
        match name {
            "base" => Ok(Self::default()),
            "small" => Ok(small()),
            "tiny" => Ok(tiny()),
            "third" => Ok(third()),
            "learn-base" => Ok(fine_tuning(Self::default(), 100_000, 1e-4)),
            "learn-small" => Ok(Self {
                phases: vec![Phase { from_step: 0, crop: 256, batch: 4 }],
                warmup_steps: 100,
                // The parent was trained on rounded latents last.
                rounded: 1.0,
                balance: 0.5,
                // A parent that has converged loses more by larger steps than it learns.
                ..fine_tuning(small(), 6000, 1e-4)
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
                Err(TrainError::Config(format!("there is no preset {other:?}; choose one of {names}")))
            }
        }
    }

    /// Reads TOML. The values of `base`, or of the preset that a key `preset` names, stand for keys
    /// that are left out.
    ///
    /// # Errors
    /// Text that is not TOML, unknown keys, values out of range.
    pub fn from_toml(text: &str) -> Result<Self> {
        Self::from_toml_over(text, |preset| Self::preset(preset.unwrap_or("base")))
    }

    /// Reads a TOML file, see [`Self::from_toml`].
    ///
    /// # Errors
    /// A file that cannot be read, and errors of [`Self::from_toml`], with the file's name.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(TrainError::io("read", path))?;
        Self::from_toml(&text).map_err(|e| TrainError::Config(format!("{}: {e}", path.display())))
    }
}

/// The paper's fine-tuning: a fifth of the steps, a cosine from the start to a tenth of the rate,
/// no averaged weights.
fn fine_tuning(from: Config, steps: u64, learning_rate: f64) -> Config {
    Config { steps, learning_rate, warmup_steps: 0, hold: 0.0, final_ratio: 0.1, ema_decay: 0.0, ..from }
}

/// The paper's network with half its channels (but all of z4) and about half its blocks.
fn small_spec() -> Spec {
    Spec {
        latents: [64, 64, 128, 32],
        encoder_blocks: [3, 3, 3, 2, 2],
        entropy_in: [0, 1, 1, 2],
        entropy_out: [1, 1, 1, 0],
        reconstruction_in: [0, 1, 2, 2],
        reconstruction_out: [1, 1, 2, 2],
        tail_blocks: 3,
        ..Spec::scaled(64, 128)
    }
}

fn small() -> Config {
    Config {
        network: NetworkConfig::Full(Box::new(small_spec())),
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

/// The network of `small` with learned quantisation steps and a spatial context for z3 and z4. The
/// settings are those of a long run from a trained model, on images that are decoded already.
fn third() -> Config {
    let spec = Spec { learned_steps: true, context: [0, 0, 96, 64], ..small_spec() };
    Config {
        network: NetworkConfig::Full(Box::new(spec)),
        steps: 160_000,
        lambda: [8.0, 8192.0],
        lambda_law: LambdaLaw::LogUniform,
        phases: vec![
            Phase { from_step: 0, crop: 128, batch: 8 },
            Phase { from_step: 60_000, crop: 192, batch: 4 },
            Phase { from_step: 110_000, crop: 256, batch: 4 },
        ],
        augmentation: Augmentation { shrink: [0.7, 1.0], flip: true },
        balance: 0.5,
        rounded: 1.0,
        hold: 0.8,
        log_every: 100,
        probe_every: 2000,
        probe_images: 12,
        checkpoint_every: 500,
        cache_mib: 0,
        ..small()
    }
}

/// The settings of `from` for a baseline, so that all systems of a comparison are trained alike.
fn baseline(from: Config, spec: BaselineSpec) -> Config {
    let lambda = if spec.system.follows_lambda() { from.lambda } else { [ONE_LAMBDA; 2] };
    Config { network: NetworkConfig::Baseline(spec), lambda, ..from }
}

/// A baseline with half the paper's channels.
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
    fn a_file_changes_a_preset_and_unknown_keys_are_refused() {
        let config =
            Config::from_toml("preset = \"small\"\nsteps = 7\nnetwork = { width = 48, embedding = 64 }").unwrap();
        assert_eq!((config.steps, config.network.spec().unwrap().widths[0], config.layer_scale), (7, 48, 0.2));
        assert!(Config::from_toml("stepps = 7").unwrap_err().to_string().contains("stepps"));
        let said = Config::from_toml("network = { system = \"mhs\", n = 8 }").unwrap_err().to_string();
        assert!(said.contains("msh-vr"), "{said}");
        assert!(Config::from_toml("checkpoint_every = 30").unwrap_err().to_string().contains("checkpoint_every"));
        assert_eq!(Config::from_toml("lambda_law = \"log-uniform\"").unwrap().lambda_law, LambdaLaw::LogUniform);
    }

    #[test]
    fn the_old_name_of_a_key_is_read_in_toml_and_in_checkpoint_headers() {
        let old = "probe_pictures = 3";
        assert_eq!(Config::from_toml(old).unwrap().probe_images, 3);
        assert!(Config::from_toml(&format!("{old}\nprobe_images = 4")).unwrap_err().to_string().contains("old name"));
        let json = serde_json::to_string(&Config::default()).unwrap().replace("probe_images", "probe_pictures");
        assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), Config::default());
    }

    #[test]
    fn presets_have_the_networks_they_are_named_after() {
        // Duan et al., CVPR 2024, supplement, section 7; `small` was counted from its checkpoints,
        // and `third` adds three numbers a latent channel and two contexts.
        let of_context =
            |z: usize, c: usize, hidden: usize| 25 * z + z + (z + c) * hidden + hidden + hidden * 2 * z + 2 * z;
        let third = 6_823_440 + 3 * (64 + 64 + 128 + 32) + of_context(128, 192, 96) + of_context(32, 128, 64);
        for (name, parameters) in
            [("base", 35_510_160), ("small", 6_823_440), ("third", third), ("msh-vr", 19_157_155), ("gma", 29_631_788)]
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
        // Duan et al., CVPR 2024, supplement, table 10, column "fine-tuning".
        let config = Config::preset("learn-base").unwrap();
        assert_eq!((config.optimiser, config.learning_rate, config.steps), (Optimiser::Adam, 1e-4, 100_000));
        assert_eq!((config.hold, config.final_ratio, config.clip, config.ema_decay), (0.0, 0.1, 2.0, 0.0));
        assert_eq!(config.phases, [Phase { from_step: 0, crop: 256, batch: 32 }]);
    }
}

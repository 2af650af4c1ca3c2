//! `heirloom-train train`

use std::path::PathBuf;

use clap::Args;
use heirloom_train::{
    Result, TrainError,
    trainer::{self, Config, Options, presets::PRESETS},
};

use heirloom_train::terminal::{console, device::DeviceName};

/// Begin a training run, or continue one.
#[derive(Args)]
pub struct Train {
    /// Configuration (TOML). Other keys have the values of its key `preset`, or of base.
    #[arg(long, conflicts_with = "preset")]
    config: Option<PathBuf>,
    /// tiny, small, base or third; for baselines msh, msh-vr, gma or gma-vr, each also with -small.
    #[arg(long)]
    preset: Option<String>,
    /// Images to learn from: a folder with its subfolders, or a pack.
    #[arg(long, value_name = "IMAGES")]
    data: PathBuf,
    /// Images for the probe: a folder or a pack [default: the first training images].
    #[arg(long, value_name = "IMAGES")]
    validation: Option<PathBuf>,
    /// The run's folder.
    #[arg(long, default_value = "runs/run")]
    out: PathBuf,
    /// Continue from the newest checkpoint of the run's folder, if there is one. Without --config
    /// or --preset, with the run's own configuration.
    #[arg(long)]
    resume: bool,
    /// Start from the weights of a model file. Options of the network that it lacks start without
    /// effect.
    #[arg(long, conflicts_with = "resume")]
    init: Option<PathBuf>,
    /// Total number of steps, instead of the configuration's.
    #[arg(long)]
    steps: Option<u64>,
    /// Stop with a checkpoint after this many steps, with the schedule of the whole run.
    #[arg(long)]
    stop_at: Option<u64>,
    /// Seed, instead of the configuration's.
    #[arg(long)]
    seed: Option<u64>,
    /// Device to compute on.
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
    /// Print only warnings and errors.
    #[arg(long, short)]
    quiet: bool,
}

impl Train {
    pub fn run(self) -> Result<()> {
        console::set_quiet(self.quiet);
        let own = self.out.join("config.toml");
        let mut config = match (&self.config, &self.preset) {
            (Some(path), _) => Config::from_file(path)?,
            (None, Some(name)) => Config::preset(name)?,
            (None, None) if self.resume && own.exists() => Config::from_file(&own)?,
            (None, None) => {
                return Err(TrainError::Config(format!(
                    "give --config FILE or --preset, one of {}",
                    PRESETS.join(", ")
                )));
            }
        };
        config.steps = self.steps.unwrap_or(config.steps);
        config.seed = self.seed.unwrap_or(config.seed);
        let options = Options {
            data: self.data,
            validation: self.validation,
            out: self.out,
            resume: self.resume,
            init: self.init,
            stop_at: self.stop_at,
            device: self.device.open(),
        };
        trainer::train(&config, &options).map(drop)
    }
}

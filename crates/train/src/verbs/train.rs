//! `heirloom-train train`

use std::path::PathBuf;

use clap::Args;
use heirloom_train::{
    Result, TrainError,
    trainer::{self, Config, Options, presets::PRESETS},
};

use crate::device::DeviceName;

/// Begin a run, or continue one.
#[derive(Args)]
pub struct Train {
    /// Configuration (TOML); a key `preset = "…"` in it names what it changes.
    #[arg(long, conflicts_with = "preset")]
    config: Option<PathBuf>,
    /// tiny, small or base; of the baselines msh, msh-vr, gma or gma-vr, each also with -small.
    #[arg(long)]
    preset: Option<String>,
    /// Folder of images to learn from, with its subfolders.
    #[arg(long)]
    data: PathBuf,
    /// Folder of images for the probe [default: the first training images].
    #[arg(long)]
    validation: Option<PathBuf>,
    /// The run's folder.
    #[arg(long, default_value = "runs/run")]
    out: PathBuf,
    /// Go on from the newest checkpoint of the run's folder, if there is one. Without --config or --preset the
    /// configuration is that of the run.
    #[arg(long)]
    resume: bool,
    /// Start from the weights of a model file.
    #[arg(long, conflicts_with = "resume")]
    init: Option<PathBuf>,
    /// Total number of steps, instead of the configuration's.
    #[arg(long)]
    steps: Option<u64>,
    /// Stop with a checkpoint when so many steps are done, with the schedule of the whole run.
    #[arg(long)]
    stop_at: Option<u64>,
    /// Seed, instead of the configuration's.
    #[arg(long)]
    seed: Option<u64>,
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
    /// Nothing on the console.
    #[arg(long, short)]
    quiet: bool,
}

impl Train {
    pub fn run(self) -> Result<()> {
        let of_run = self.out.join("config.toml");
        let mut config = match (&self.config, &self.preset) {
            (Some(path), _) => Config::from_file(path)?,
            (None, Some(name)) => Config::preset(name)?,
            (None, None) if self.resume && of_run.exists() => Config::from_file(&of_run)?,
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
            quiet: self.quiet,
        };
        trainer::train(&config, &options).map(drop)
    }
}

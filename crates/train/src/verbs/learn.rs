//! `heirloom-train learn`

use std::path::PathBuf;

use clap::Args;
use heirloom_train::{
    Result,
    replay::{self, Request, Strategy},
    trainer::Options,
};

use crate::device::DeviceName;

/// Teach a model new images or rates, so that its old files stay decodable and look no worse.
#[derive(Args)]
pub struct Learn {
    /// The model to learn from: a file, 8 or more digits of a generation id in the store, or 'default'; for a baseline its run's
    /// folder. A run that is resumed knows it.
    #[arg(long, value_name = "MODEL", required_unless_present = "resume")]
    from: Option<PathBuf>,
    /// Folder of new images, with its subfolders.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Folder of images for the probe [default: the first new images].
    #[arg(long, value_name = "DIR")]
    validation: Option<PathBuf>,
    /// Lowest and highest λ to learn [default: those of the model]; the new model knows the old ones too.
    #[arg(long, value_name = "LOW:HIGH", value_parser = range)]
    lambda: Option<[f32; 2]>,
    /// Folder of old images, of the kinds that old files hold.
    #[arg(long, value_name = "DIR", conflicts_with = "replay_archive")]
    replay_data: Option<PathBuf>,
    /// Folder of .hlm files, with its subfolders, that shall go on looking as they do.
    #[arg(long, value_name = "DIR")]
    replay_archive: Option<PathBuf>,
    /// Folder of the originals of these files, with the same names but for the extension.
    #[arg(long, value_name = "DIR", requires = "replay_archive")]
    originals: Option<PathBuf>,
    /// Share of each batch that is replayed [default: 0.5].
    #[arg(long, value_name = "SHARE")]
    replay_share: Option<f64>,
    /// replay (the default): all but the entropy branch learns, and old files are replayed; encoder: old images cannot
    /// change; end-to-end: everything learns, and old files become unreadable.
    #[arg(long, hide_possible_values = true)]
    strategy: Option<Strategy>,
    /// Model file of an earlier generation, for those that are not in the store. May be given several times.
    #[arg(long, value_name = "FILE")]
    ancestor: Vec<PathBuf>,
    /// Folder of the model store [default: $HEIRLOOM_MODELS, else heirloom/models in the user's data folder].
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Go on though earlier generations are not at hand, whose files are then not replayed.
    #[arg(long)]
    without_missing: bool,
    /// Configuration (TOML); other keys keep the values of learn-small, or of the preset for the model's size.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Total number of steps, instead of the configuration's.
    #[arg(long)]
    steps: Option<u64>,
    /// Stop with a checkpoint when so many steps are done, with the schedule of the whole run.
    #[arg(long)]
    stop_at: Option<u64>,
    /// Seed, instead of the configuration's.
    #[arg(long)]
    seed: Option<u64>,
    /// The run's folder.
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Go on from the newest checkpoint of the run's folder, if there is one, with the run's own settings.
    #[arg(long)]
    resume: bool,
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
    /// Nothing on the console.
    #[arg(long, short)]
    quiet: bool,
}

impl Learn {
    pub fn run(self) -> Result<()> {
        let request = Request {
            from: self.from,
            strategy: self.strategy,
            lambda: self.lambda,
            replay_data: self.replay_data,
            replay_archive: self.replay_archive,
            originals: self.originals,
            replay_share: self.replay_share,
            ancestors: self.ancestor,
            store: self.store,
            without_missing: self.without_missing,
            config: self.config,
            steps: self.steps,
            seed: self.seed,
        };
        let options = Options {
            data: self.data,
            validation: self.validation,
            out: self.out,
            resume: self.resume,
            init: None,
            stop_at: self.stop_at,
            device: self.device.open(),
            quiet: self.quiet,
        };
        replay::learn(&request, &options).map(drop)
    }
}

fn range(text: &str) -> std::result::Result<[f32; 2], String> {
    let (low, high) = text.split_once(':').ok_or("give two numbers as LOW:HIGH, such as 32:4096")?;
    let number = |text: &str| text.trim().parse::<f32>().map_err(|_| format!("{text:?} is not a number"));
    Ok([number(low)?, number(high)?])
}

//! `heirloom-train learn`

use std::{path::PathBuf, str::FromStr};

use clap::Args;
use heirloom_train::{
    Result,
    replay::{self, ParentRef, Request},
    trainer::{Options, learn_config::Strategy},
};

use heirloom_train::terminal::{console, device::DeviceName};

/// Teach a model new images or rates, while its old files stay decodable and look no worse.
#[derive(Args)]
pub struct Learn {
    /// Model to learn from: a file, 8 or more digits of a generation id in the store, or 'default';
    /// for a baseline, its run's folder. Not needed for a resumed run.
    #[arg(long, value_name = "MODEL", required_unless_present = "resume")]
    from: Option<ParentRef>,
    /// New images: a folder with its subfolders, or a pack.
    #[arg(long, value_name = "IMAGES")]
    data: PathBuf,
    /// Images for the probe: a folder or a pack [default: the first new images].
    #[arg(long, value_name = "IMAGES")]
    validation: Option<PathBuf>,
    /// Lowest and highest λ to learn [default: those of the model]; the new model covers the old
    /// range too.
    #[arg(long, value_name = "LOW:HIGH", value_parser = range)]
    lambda: Option<[f32; 2]>,
    /// Old images, of the kinds that old files hold: a folder or a pack.
    #[arg(long, value_name = "IMAGES", conflicts_with = "replay_archive")]
    replay_data: Option<PathBuf>,
    /// Folder of .hlm files, with its subfolders, whose images must not get worse.
    #[arg(long, value_name = "DIR")]
    replay_archive: Option<PathBuf>,
    /// Folder of the originals of those files, with the same names apart from the extension.
    #[arg(long, value_name = "DIR", requires = "replay_archive")]
    originals: Option<PathBuf>,
    /// Share of each batch that is replayed [default: 0.5].
    #[arg(long, value_name = "SHARE")]
    replay_share: Option<f64>,
    /// replay (the default): all but the entropy branch learns, and old images are replayed;
    /// encoder: only the encoder learns, so images of old files cannot change; end-to-end:
    /// everything learns, and old files become unreadable.
    #[arg(long, value_parser = Strategy::from_str)]
    strategy: Option<Strategy>,
    /// Model file of an earlier generation that is not in the store. May be given several times.
    #[arg(long, value_name = "FILE")]
    ancestor: Vec<PathBuf>,
    /// Folder of the model store [default: $HEIRLOOM_MODELS, or heirloom/models in the user's data
    /// folder].
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Continue even if earlier generations are missing; their files are then not replayed.
    #[arg(long)]
    without_missing: bool,
    /// Configuration (TOML). Other keys have the values of the preset for the model's size.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Total number of steps, instead of the configuration's.
    #[arg(long)]
    steps: Option<u64>,
    /// Stop with a checkpoint after this many steps, with the schedule of the whole run.
    #[arg(long)]
    stop_at: Option<u64>,
    /// Seed, instead of the configuration's.
    #[arg(long)]
    seed: Option<u64>,
    /// The run's folder.
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Continue from the newest checkpoint of the run's folder, if there is one, with the run's own
    /// settings.
    #[arg(long)]
    resume: bool,
    /// Device to compute on.
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
    /// Print only warnings and errors.
    #[arg(long, short)]
    quiet: bool,
}

impl Learn {
    pub fn run(self) -> Result<()> {
        console::set_quiet(self.quiet);
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
        };
        replay::learn(&request, &options).map(drop)
    }
}

/// Parses `LOW:HIGH`.
fn range(text: &str) -> std::result::Result<[f32; 2], String> {
    let (low, high) = text.split_once(':').ok_or("give two numbers as LOW:HIGH, such as 32:4096")?;
    let number = |text: &str| text.trim().parse::<f32>().map_err(|_| format!("{text:?} is not a number"));
    Ok([number(low)?, number(high)?])
}

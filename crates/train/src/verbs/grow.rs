//! `heirloom-train grow`

use std::{fs, path::PathBuf};

use clap::Args;
use heirloom_io::atomic::write_durably;
use heirloom_train::{
    Result, TrainError,
    trainer::{
        checkpoint::{Checkpoint, folder_of},
        grow::grow,
    },
};

/// Give the latents of a run more channels, and begin another run that goes on from there.
///
/// Afterwards, continue the new run with `heirloom-train train --resume`.
#[derive(Args)]
pub struct Grow {
    /// The run's folder, or a checkpoint.
    run: PathBuf,
    /// Channels of z1 to z4; none can become fewer.
    #[arg(long, value_name = "N,N,N,N", value_delimiter = ',', required = true)]
    latents: Vec<usize>,
    /// Folder for the new run.
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
}

impl Grow {
    pub fn run(&self) -> Result<()> {
        let latents = <[usize; 4]>::try_from(self.latents.clone())
            .map_err(|_| TrainError::Config("give four numbers of channels, from z1 to z4".into()))?;
        if self.out.exists() {
            return Err(TrainError::Config(format!("{} exists already", self.out.display())));
        }
        let run = folder_of(&self.run);
        let grown = grow(&Checkpoint::named(&self.run)?, latents)?;
        fs::create_dir_all(&self.out).map_err(TrainError::io("create the folder", &self.out))?;
        let path = grown.save(&self.out, 1)?;
        write_durably(&self.out.join("config.toml"), grown.header.config.to_toml()?.as_bytes())?;
        let metrics = run.join("metrics.jsonl");
        if metrics.exists() {
            fs::copy(&metrics, self.out.join("metrics.jsonl")).map_err(TrainError::io("copy", &metrics))?;
        }
        println!("{}: step {}, {} weights", path.display(), grown.header.step, grown.header.weights);
        Ok(())
    }
}

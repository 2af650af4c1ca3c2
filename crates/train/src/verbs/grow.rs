//! `heirloom-train grow`

use std::{fs, path::PathBuf};

use clap::Args;
use heirloom_codec::model::Spec;
use heirloom_io::atomic::write_durably;
use heirloom_train::{
    Result, TrainError,
    trainer::{
        checkpoint::{Checkpoint, folder_of},
        grow::{Growth, grow},
    },
};

/// Give the latents or contexts of a run more channels, or add a linear path, and begin another run that goes on from there.
///
/// Afterwards, continue the new run with `heirloom-train train --resume`.
#[derive(Args)]
pub struct Grow {
    /// The run's folder, or a checkpoint.
    run: PathBuf,
    /// Channels of z1 to z4; none can become fewer [default: as they are].
    #[arg(long, value_name = "N,N,N,N", value_delimiter = ',', hide_default_value = true)]
    latents: Vec<usize>,
    /// Hidden channels of the contexts of z1 to z4; none can become fewer [default: as they are].
    #[arg(long, value_name = "N,N,N,N", value_delimiter = ',', hide_default_value = true)]
    context: Vec<usize>,
    /// Add a linear path between pixels and z4.
    #[arg(long)]
    linear_path: bool,
    /// Folder for the new run.
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
}

impl Grow {
    pub fn run(&self) -> Result<()> {
        if self.out.exists() {
            return Err(TrainError::Config(format!("{} exists already", self.out.display())));
        }
        let run = folder_of(&self.run);
        let checkpoint = Checkpoint::named(&self.run)?;
        let spec = checkpoint.header.spec.clone().unwrap_or_else(Spec::base);
        let (latents, context) = (numbers(&self.latents, spec.latents)?, numbers(&self.context, spec.context)?);
        let grown = grow(&checkpoint, Growth { latents, context, linear_path: self.linear_path })?;
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

/// Four numbers, or those that are there.
fn numbers(given: &[usize], present: [usize; 4]) -> Result<[usize; 4]> {
    match given {
        [] => Ok(present),
        given => given.try_into().map_err(|_| TrainError::Config("give four numbers, from z1 to z4".into())),
    }
}

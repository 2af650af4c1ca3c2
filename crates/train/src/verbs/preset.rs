//! `heirloom-train preset`

use clap::Args;
use heirloom_train::{Result, trainer::Config};

/// Print a preset as TOML.
#[derive(Args)]
pub struct Preset {
    /// tiny, small, base or third; learn-tiny, learn-small or learn-base; msh, msh-vr, gma or gma-vr, each
    /// also with -small.
    name: String,
}

impl Preset {
    pub fn run(&self) -> Result<()> {
        print!("{}", Config::preset(&self.name)?.to_toml()?);
        Ok(())
    }
}

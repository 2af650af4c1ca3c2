//! `heirloom-train export`

use std::path::PathBuf;

use clap::Args;
use heirloom_io::atomic::write_durably;
use heirloom_train::{
    Result, TrainError, replay,
    trainer::checkpoint::{Checkpoint, folder_of},
};

/// Write the weights of a run as a model file.
#[derive(Args)]
pub struct Export {
    /// The run's folder, or a checkpoint.
    run: PathBuf,
    /// File to write.
    #[arg(long, short)]
    output: PathBuf,
    /// Keep weights in f32 instead of rounding them to bf16.
    #[arg(long)]
    full: bool,
    /// Mark the model as a preview.
    #[arg(long)]
    preview: bool,
}

impl Export {
    pub fn run(&self) -> Result<()> {
        let checkpoint = Checkpoint::named(&self.run)?;
        let model = replay::exported(&checkpoint, folder_of(&self.run), self.full, self.preview)?;
        let bytes = model.to_bytes().map_err(|e| TrainError::Model(e.to_string()))?;
        write_durably(&self.output, &bytes)?;
        let lineage = model.metadata.lineage;
        println!(
            "{}: {} bytes, generation {}, entropy id {}",
            self.output.display(),
            bytes.len(),
            lineage.generation,
            lineage.entropy_id
        );
        Ok(())
    }
}

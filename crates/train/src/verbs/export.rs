//! `heirloom-train export`

use std::path::PathBuf;

use clap::Args;
use heirloom_train::{
    Result, TrainError,
    replay::Lesson,
    trainer::{
        checkpoint::{Checkpoint, folder_of},
        export, files,
    },
};

/// Write the weights of a run as a model file.
#[derive(Args)]
pub struct Export {
    /// The run's folder, or one checkpoint.
    run: PathBuf,
    /// File to write.
    #[arg(long, short)]
    output: PathBuf,
    /// Keep full precision (f32) instead of rounding every weight to bf16.
    #[arg(long)]
    full: bool,
    /// Mark the model as not published.
    #[arg(long)]
    preview: bool,
}

impl Export {
    pub fn run(&self) -> Result<()> {
        let checkpoint = Checkpoint::named(&self.run)?;
        let config = &checkpoint.header.config;
        let model = if config.learn.is_some() {
            Lesson::of_run(folder_of(&self.run), config)?.child(&checkpoint, self.full, self.preview)?
        } else {
            export::model(&checkpoint, self.full, self.preview)?
        };
        let bytes = model.to_bytes().map_err(|e| TrainError::Model(e.to_string()))?;
        files::replace(&self.output, &bytes)?;
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

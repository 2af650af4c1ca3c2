//! `heirloom-train export`

use std::path::PathBuf;

use clap::Args;
use heirloom_io::atomic::write_durably;
use heirloom_train::{
    Result, TrainError, replay,
    trainer::{
        calibration::Calibration,
        checkpoint::{Checkpoint, folder_of},
    },
};

/// Write the weights of a run as a model file.
#[derive(Args)]
pub struct Export {
    /// The run's folder, or a checkpoint.
    run: PathBuf,
    /// File to write.
    #[arg(long, short)]
    output: PathBuf,
    /// Folder or pack of images to calibrate the steps of integers on, besides artificial images.
    #[arg(long, value_name = "IMAGES")]
    calibrate: Option<PathBuf>,
    /// Leave the encoder out, for programs that only decode.
    #[arg(long)]
    decoder_only: bool,
    /// Mark the model as a preview.
    #[arg(long)]
    preview: bool,
}

impl Export {
    pub fn run(&self) -> Result<()> {
        let checkpoint = Checkpoint::named(&self.run)?;
        let calibration = self.calibrate.as_deref().map_or_else(|| Ok(Calibration::artificial()), Calibration::read)?;
        let model = replay::exported(&checkpoint, folder_of(&self.run), &calibration, self.preview)?;
        let model = if self.decoder_only { model.without_encoder() } else { model };
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

//! `heirloom-train export`

use std::path::PathBuf;

use clap::Args;
use heirloom_codec::model::{ModelFile, ProductLoss};
use heirloom_io::atomic::write_durably;
use heirloom_train::{
    Result, TrainError,
    model::Layout,
    replay,
    trainer::{
        calibration::Calibration,
        checkpoint::{Checkpoint, folder_of},
        export,
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
    /// Write what rounding did to each product, the largest error first, as a table with tabs:
    /// name, rows, columns, reach of the input, relative error of the weights.
    #[arg(long, value_name = "FILE")]
    losses: Option<PathBuf>,
    /// Leave the encoder out, for programs that only decode.
    #[arg(long)]
    decoder_only: bool,
    /// Mark the model as a preview.
    #[arg(long)]
    preview: bool,
    /// Licence of the weights, as an SPDX expression such as "MIT OR Apache-2.0"; without it, that
    /// of the parent.
    #[arg(long, value_name = "SPDX")]
    licence: Option<String>,
}

impl Export {
    pub fn run(&self) -> Result<()> {
        let checkpoint = Checkpoint::named(&self.run)?;
        let calibration = self.calibrate.as_deref().map_or_else(|| Ok(Calibration::artificial()), Calibration::read)?;
        let mut model = replay::exported(&checkpoint, folder_of(&self.run), &calibration, self.preview)?;
        if let Some(licence) = &self.licence {
            model.metadata.licence.clone_from(licence);
        }
        if let Some(path) = &self.losses {
            write_durably(path, losses(&checkpoint, &model)?.as_bytes())?;
        }
        let model = if self.decoder_only { model.without_encoder() } else { model };
        let bytes = model.to_bytes().map_err(|e| TrainError::Model(e.to_string()))?;
        write_durably(&self.output, &bytes)?;
        let lineage = &model.metadata.lineage;
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

/// The table of `--losses`.
fn losses(checkpoint: &Checkpoint, model: &ModelFile) -> Result<String> {
    let spec = export::codec_spec(&checkpoint.header)?;
    let floats = export::weights(&Layout::new(spec), &checkpoint.state.ema);
    let weights = model.weights.with_heads(model.metadata.lineage.add_ons.len());
    let losses = weights.losses(spec, &floats).map_err(|e| TrainError::Model(e.to_string()))?;
    let mut table = String::from("product\trows\tcolumns\treach\terror\n");
    for ProductLoss { product, shape: [rows, columns], reach, weight_error } in losses {
        table += &format!("{product}\t{rows}\t{columns}\t{reach:.4}\t{weight_error:.5}\n");
    }
    Ok(table)
}

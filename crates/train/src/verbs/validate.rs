//! `heirloom-train validate`

use std::path::PathBuf;

use clap::Args;
use heirloom_train::{Result, TrainError, data::Folder, trainer::measure::Measured};

use crate::device::DeviceName;

/// Estimate rate and PSNR of whole images at several λ.
#[derive(Args)]
pub struct Validate {
    /// The run's folder, one checkpoint, or a model file.
    model: PathBuf,
    /// Folder of images.
    #[arg(long)]
    data: PathBuf,
    /// At most so many images.
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
    /// Values of λ.
    #[arg(long, value_delimiter = ',', default_values_t = [32.0, 128.0, 512.0, 1024.0])]
    lambda: Vec<f32>,
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Validate {
    pub fn run(&self) -> Result<()> {
        let evaluator = Measured::open(&self.model, &self.device.open())?.evaluator;
        let folder = Folder::open(&self.data, 1 << 30)?;
        for lambda in &self.lambda {
            for point in evaluator.folder(&folder, self.limit, &[*lambda])? {
                if self.json {
                    println!("{}", serde_json::to_string(&point).map_err(|e| TrainError::Config(e.to_string()))?);
                } else {
                    println!(
                        "λ {:>7}  {:.4} bpp  {:.3} dB  loss {:.4}  ({} images)",
                        point.lambda, point.bpp, point.psnr, point.loss, point.images
                    );
                }
            }
        }
        Ok(())
    }
}

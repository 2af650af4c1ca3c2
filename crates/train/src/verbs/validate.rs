//! `heirloom-train validate`

use std::path::PathBuf;

use clap::Args;
use heirloom_train::{Result, TrainError, data::Images, measure::TrainedSystem};

use heirloom_train::terminal::device::DeviceName;

/// Estimate rate and PSNR of whole images at several λ.
#[derive(Args)]
pub struct Validate {
    /// The run's folder, a checkpoint, or a model file.
    model: PathBuf,
    /// Images: a folder with its subfolders, or a pack.
    #[arg(long, value_name = "IMAGES")]
    data: PathBuf,
    /// Largest number of images.
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
    /// Values of λ.
    #[arg(long, value_delimiter = ',', default_values_t = [32.0, 128.0, 512.0, 1024.0])]
    lambda: Vec<f32>,
    /// Device to compute on.
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Validate {
    pub fn run(&self) -> Result<()> {
        let evaluator = TrainedSystem::open(&self.model, &self.device.open())?.evaluator;
        let images = Images::open(&self.data, 1 << 30)?;
        for lambda in &self.lambda {
            for point in evaluator.first_images(&images, self.limit, &[*lambda])? {
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

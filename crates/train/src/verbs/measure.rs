//! `heirloom-train measure`

use std::path::PathBuf;

use clap::Args;
use heirloom_train::{
    Result, TrainError,
    data::Folder,
    trainer::{
        files,
        measure::{Measured, measure},
    },
};

use crate::device::DeviceName;

/// Estimate rate and PSNR of each image, also of old latents in a newer decoder, and write a report.
#[derive(Args)]
pub struct Measure {
    /// The run's folder, one checkpoint, or a model file.
    model: PathBuf,
    /// Folder of images, with its subfolders.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// What makes images of the model's latents, as of old files: a run, checkpoint or model file that learned from it.
    #[arg(long, value_name = "MODEL")]
    decoder: Option<PathBuf>,
    /// Name of the data set in the report [default: that of the folder].
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// At most so many images.
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
    /// Values of λ [default: seven over the model's range].
    #[arg(long, value_delimiter = ',')]
    lambda: Vec<f32>,
    /// Report to write (JSON).
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a report that is there.
    #[arg(long)]
    force: bool,
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
}

impl Measure {
    pub fn run(self) -> Result<()> {
        if let Some(there) = self.output.as_ref().filter(|path| path.exists() && !self.force) {
            return Err(TrainError::Config(format!("{} is there already; --force writes over it", there.display())));
        }
        if self.lambda.iter().any(|lambda| !(lambda.is_finite() && *lambda > 0.0)) {
            return Err(TrainError::Config("every λ must be a number above 0".into()));
        }
        let device = self.device.open();
        let encoder = Measured::open(&self.model, &device)?;
        let decoder = self.decoder.as_ref().map(|path| Measured::open(path, &device)).transpose()?;
        let folder = Folder::open(&self.data, 1 << 30)?;
        let lambdas = if self.lambda.is_empty() { encoder.lambdas() } else { self.lambda };
        let dataset = self.dataset.unwrap_or_else(|| {
            let of_folder = self.data.file_name().unwrap_or(self.data.as_os_str());
            of_folder.to_string_lossy().into_owned()
        });
        let report = measure(&encoder, decoder.as_ref(), &folder, &dataset, self.limit, &lambdas)?;
        for point in &report.points {
            println!("λ {:>7}  estimated {:.4} bpp  {:.3} dB", point.lambda, point.estimated_bpp, point.psnr);
        }
        self.output.map_or(Ok(()), |path| files::replace(&path, report.to_json()?.as_bytes()))
    }
}

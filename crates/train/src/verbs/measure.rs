//! `heirloom-train measure`

use std::path::PathBuf;

use clap::Args;
use heirloom_io::atomic::write_durably;
use heirloom_train::{
    Result, TrainError,
    data::Images,
    measure::{TrainedSystem, measure},
};

use heirloom_train::terminal::device::DeviceName;

/// Estimate rate and PSNR of each image, also of old latents in a newer decoder, and write a
/// report.
#[derive(Args)]
pub struct Measure {
    /// The run's folder, a checkpoint, or a model file.
    model: PathBuf,
    /// Images: a folder with its subfolders, or a pack.
    #[arg(long, value_name = "IMAGES")]
    data: PathBuf,
    /// Decoder of the model's latents, as of old files: a run, checkpoint or model file that
    /// learned from the model.
    #[arg(long, value_name = "MODEL")]
    decoder: Option<PathBuf>,
    /// Name of the data set in the report [default: that of the folder or pack].
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Largest number of images.
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
    /// Values of λ [default: seven over the model's range].
    #[arg(long, value_delimiter = ',')]
    lambda: Vec<f32>,
    /// Report to write (JSON).
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite an existing report.
    #[arg(long)]
    force: bool,
    /// Device to compute on.
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
}

impl Measure {
    pub fn run(self) -> Result<()> {
        if let Some(existing) = self.output.as_ref().filter(|path| path.exists() && !self.force) {
            return Err(TrainError::Config(format!("{} already exists; --force overwrites it", existing.display())));
        }
        if self.lambda.iter().any(|lambda| !(lambda.is_finite() && *lambda > 0.0)) {
            return Err(TrainError::Config("every λ must be a number above 0".into()));
        }
        let device = self.device.open();
        let encoder = TrainedSystem::open(&self.model, &device)?;
        let decoder = self.decoder.as_ref().map(|path| TrainedSystem::open(path, &device)).transpose()?;
        let images = Images::open(&self.data, 1 << 30)?;
        let lambdas = if self.lambda.is_empty() { encoder.lambdas() } else { self.lambda };
        let dataset = self.dataset.unwrap_or_else(|| {
            let (file, folder) = (self.data.file_stem(), self.data.file_name());
            let name = if self.data.is_file() { file } else { folder };
            let name = name.unwrap_or(self.data.as_os_str());
            name.to_string_lossy().into_owned()
        });
        let report = measure(&encoder, decoder.as_ref(), &images, &dataset, self.limit, &lambdas)?;
        for point in &report.points {
            println!("λ {:>7}  estimated {:.4} bpp  {:.3} dB", point.lambda, point.estimated_bpp, point.psnr);
        }
        self.output.map_or(Ok(()), |path| Ok(write_durably(&path, report.to_json()?.as_bytes())?))
    }
}

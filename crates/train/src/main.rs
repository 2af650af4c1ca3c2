//! The command `heirloom-train`.

mod verbs;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use burn::tensor::Device;
use clap::{Args, Parser, Subcommand, ValueEnum};
use heirloom_train::{
    Result, TrainError,
    data::Folder,
    model::Layout,
    replay::{Lesson, models},
    trainer::{self, Config, Options, checkpoint::Checkpoint, evaluate::Evaluator, export, files, presets::PRESETS},
};
use verbs::learn::Learn;

/// Train the Heirloom image codec.
#[derive(Parser)]
#[command(name = "heirloom-train", version)]
struct Cli {
    /// Threads of the CPU device [default: all cores].
    #[arg(long, global = true)]
    threads: Option<usize>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Begin a run, or continue one.
    Train(Train),
    /// Teach a model new pictures or rates, so that its old files stay decodable and look no worse.
    Learn(Box<Learn>),
    /// Write the weights of a run as a model file.
    Export(Export),
    /// Estimate rate and PSNR of whole pictures at several λ.
    Validate(Validate),
    /// Print a preset as TOML.
    Preset {
        /// tiny, small or base; learn-tiny, learn-small or learn-base.
        name: String,
    },
}

#[derive(Args)]
struct Train {
    /// Configuration (TOML); a key `preset = "…"` in it names what it changes.
    #[arg(long, conflicts_with = "preset")]
    config: Option<PathBuf>,
    /// tiny, small or base.
    #[arg(long)]
    preset: Option<String>,
    /// Folder of pictures to learn from, with its subfolders.
    #[arg(long)]
    data: PathBuf,
    /// Folder of pictures for the probe [default: the first training pictures].
    #[arg(long)]
    validation: Option<PathBuf>,
    /// The run's folder.
    #[arg(long, default_value = "runs/run")]
    out: PathBuf,
    /// Go on from the newest checkpoint of the run's folder, if there is one. Without --config or --preset the
    /// configuration is that of the run.
    #[arg(long)]
    resume: bool,
    /// Start from the weights of a model file.
    #[arg(long, conflicts_with = "resume")]
    init: Option<PathBuf>,
    /// Total number of steps, instead of the configuration's.
    #[arg(long)]
    steps: Option<u64>,
    /// Stop with a checkpoint when so many steps are done, with the schedule of the whole run.
    #[arg(long)]
    stop_at: Option<u64>,
    /// Seed, instead of the configuration's.
    #[arg(long)]
    seed: Option<u64>,
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
    /// Nothing on the console.
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Args)]
struct Export {
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

#[derive(Args)]
struct Validate {
    /// The run's folder, one checkpoint, or a model file.
    model: PathBuf,
    /// Folder of pictures.
    #[arg(long)]
    data: PathBuf,
    /// At most so many pictures.
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

#[derive(Clone, Copy, ValueEnum)]
enum DeviceName {
    Cpu,
    #[cfg(feature = "cuda")]
    Cuda,
    #[cfg(feature = "wgpu")]
    Wgpu,
}

impl DeviceName {
    fn open(self) -> Device {
        match self {
            Self::Cpu => Device::flex(),
            #[cfg(feature = "cuda")]
            Self::Cuda => Device::cuda(0),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Device::wgpu(Default::default()),
        }
    }
}

/// Lets the allocator keep what a step frees: the next step needs the same again, and getting zeroed pages from the
/// system anew each time costs more than some layers.
fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` only sets parameters of the allocator; called before any thread is started.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
    }
}

fn main() -> ExitCode {
    keep_freed_memory();
    let cli = Cli::parse();
    if let Some(threads) = cli.threads
        && let Err(e) = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()
    {
        eprintln!("heirloom-train: cannot start {threads} threads: {e}");
        return ExitCode::FAILURE;
    }
    // On a thread of the pool, not beside it: a step enters and leaves the pool hundreds of times.
    let result = rayon::scope(|_| match cli.verb {
        Verb::Train(args) => train(args),
        Verb::Learn(args) => args.run(),
        Verb::Export(args) => write_model(&args),
        Verb::Validate(args) => validate(&args),
        Verb::Preset { name } => Config::preset(&name).and_then(|c| c.to_toml()).map(|text| print!("{text}")),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("heirloom-train: {e}");
            ExitCode::FAILURE
        }
    }
}

fn train(args: Train) -> Result<()> {
    let of_run = args.out.join("config.toml");
    let mut config = match (&args.config, &args.preset) {
        (Some(path), _) => Config::from_file(path)?,
        (None, Some(name)) => Config::preset(name)?,
        (None, None) if args.resume && of_run.exists() => Config::from_file(&of_run)?,
        (None, None) => {
            return Err(TrainError::Config(format!("give --config FILE or --preset, one of {}", PRESETS.join(", "))));
        }
    };
    config.steps = args.steps.unwrap_or(config.steps);
    config.seed = args.seed.unwrap_or(config.seed);
    let options = Options {
        data: args.data,
        validation: args.validation,
        out: args.out,
        resume: args.resume,
        init: args.init,
        stop_at: args.stop_at,
        device: args.device.open(),
        quiet: args.quiet,
    };
    trainer::train(&config, &options).map(drop)
}

fn checkpoint(path: &Path) -> Result<Checkpoint> {
    if !path.is_dir() {
        return Checkpoint::read(path);
    }
    Checkpoint::newest(path)?.ok_or_else(|| TrainError::Checkpoint(format!("there is none in {}", path.display())))
}

/// The folder of a run that is named by itself or by one of its checkpoints.
fn folder_of(run: &Path) -> &Path {
    match run.parent() {
        _ if run.is_dir() => run,
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn write_model(args: &Export) -> Result<()> {
    let checkpoint = checkpoint(&args.run)?;
    let config = &checkpoint.header.config;
    let model = if config.learn.is_some() {
        Lesson::of_run(folder_of(&args.run), config)?.child(&checkpoint, args.full, args.preview)?
    } else {
        export::model(&checkpoint, args.full, args.preview)?
    };
    let bytes = model.to_bytes().map_err(|e| TrainError::Model(e.to_string()))?;
    files::replace(&args.output, &bytes)?;
    let lineage = model.metadata.lineage;
    println!(
        "{}: {} bytes, generation {}, entropy id {}",
        args.output.display(),
        bytes.len(),
        lineage.generation,
        lineage.entropy_id
    );
    Ok(())
}

fn validate(args: &Validate) -> Result<()> {
    let (spec, values, ranges) = if args.model.extension().is_some_and(|e| e == "safetensors") {
        let file = models::read(&args.model)?;
        let values = export::values(&Layout::new(&file.metadata.spec), &file.weights)?;
        (file.metadata.spec, values, Some(file.metadata.lambda))
    } else {
        let Checkpoint { header, state } = checkpoint(&args.model)?;
        let ranges = match &header.config.learn {
            Some(_) => Some(Lesson::of_run(folder_of(&args.model), &header.config)?.ranges),
            None => None,
        };
        (header.spec, state.ema, ranges)
    };
    let evaluator = Evaluator::new(&spec, &Layout::new(&spec), &values, ranges, &args.device.open())?;
    let folder = Folder::open(&args.data, 1 << 30)?;
    for lambda in &args.lambda {
        for point in evaluator.folder(&folder, args.limit, &[*lambda])? {
            if args.json {
                println!("{}", serde_json::to_string(&point).map_err(|e| TrainError::Config(e.to_string()))?);
            } else {
                println!(
                    "λ {:>7}  {:.4} bpp  {:.3} dB  loss {:.4}  ({} pictures)",
                    point.lambda, point.bpp, point.psnr, point.loss, point.pictures
                );
            }
        }
    }
    Ok(())
}

//! The command `heirloom-experiment`.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use heirloom_experiment::{Figure, ImageSource, Inputs, Runner, Scale, Settings, finding::Verdict};
use heirloom_train::{
    Result,
    terminal::{console, device::DeviceName},
};

/// Run the paper's experiments, as far as they are not finished, and write a report.
#[derive(Parser)]
#[command(name = "heirloom-experiment", version)]
struct Experiment {
    /// Number of CPU threads [default: one per core].
    #[arg(long)]
    threads: Option<usize>,
    /// Figures of the paper.
    #[arg(required = true, value_enum)]
    figures: Vec<Figure>,
    /// smoke: minutes, shows that everything runs; small: hours on two CPU cores; paper: the
    /// paper's settings, weeks on a GPU.
    #[arg(long, value_enum, hide_possible_values = true, default_value = "small")]
    scale: Scale,
    /// Settings (TOML) instead of those of a scale; see --print-settings.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Print the settings and exit.
    #[arg(long)]
    print_settings: bool,
    /// Images to pre-train on, to learn new rates from, and to replay: a folder or a pack.
    #[arg(long, value_name = "IMAGES", required_unless_present = "print_settings")]
    data: Option<PathBuf>,
    /// Images of another kind, to learn: a folder or a pack.
    #[arg(long, value_name = "IMAGES", required_unless_present = "print_settings")]
    new: Option<PathBuf>,
    /// Test images of the old kind, such as Kodak: a folder or a pack.
    #[arg(long, value_name = "IMAGES", required_unless_present = "print_settings")]
    old_test: Option<PathBuf>,
    /// Test images of the new kind: a folder or a pack.
    #[arg(long, value_name = "IMAGES", required_unless_present = "print_settings")]
    new_test: Option<PathBuf>,
    /// Folder for all results.
    #[arg(long, value_name = "DIR", required_unless_present = "print_settings")]
    out: Option<PathBuf>,
    /// Print the plan and exit.
    #[arg(long)]
    dry_run: bool,
    /// Device to compute on.
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
    /// Print only warnings and errors.
    #[arg(long, short)]
    quiet: bool,
}

impl Experiment {
    fn run(self) -> Result<()> {
        console::set_quiet(self.quiet);
        let settings = match &self.settings {
            Some(path) => Settings::from_file(path)?,
            None => Settings::of(self.scale)?,
        };
        if self.print_settings {
            print!("{}", settings.to_toml()?);
            return Ok(());
        }
        // The parser has checked that they are given.
        let given = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
        let limit = settings.images;
        let inputs = Inputs {
            data: ImageSource::of(&given(&self.data), usize::MAX)?,
            new: ImageSource::of(&given(&self.new), usize::MAX)?,
            old_test: ImageSource::of(&given(&self.old_test), limit)?,
            new_test: ImageSource::of(&given(&self.new_test), limit)?,
            settings,
        };
        let (out, device) = (given(&self.out), self.device.open());
        let runner = Runner { inputs: &inputs, out: &out, device: &device };
        let panels = heirloom_experiment::panels(&self.figures, &inputs.settings);
        let plan = heirloom_experiment::plan(&runner, &panels)?;
        if !self.quiet {
            for step in &plan {
                let state = step.done.map_or_else(|| "to do".into(), |seconds| format!("done in {}", time(seconds)));
                println!("{:<52} {:>10}  {state}", step.folder, time(step.expected));
            }
            let left = plan.iter().filter(|step| step.done.is_none());
            let (count, seconds) = left.fold((0, 0.0), |(n, sum), step| (n + 1, sum + step.expected));
            println!("{count} of {} tasks to do, about {}", plan.len(), time(seconds));
        }
        if self.dry_run {
            return Ok(());
        }
        let scale = match &self.settings {
            Some(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            None => format!("{:?}", self.scale).to_lowercase(),
        };
        let report = heirloom_experiment::run(&runner, &panels, scale, &plan, |i, step| {
            if !self.quiet && step.done.is_none() {
                println!("[{}/{}] {}, about {}", i + 1, plan.len(), step.task.name(), time(step.expected));
            }
        })?;
        if !self.quiet {
            for section in &report.sections {
                let verdict = match section.finding.verdict {
                    Verdict::Shows => "shows",
                    Verdict::Partly => "shows in part",
                    Verdict::Not => "does not show",
                };
                println!("{}: {} {verdict}: {}", section.outcome.id, section.finding.claim, section.finding.evidence);
            }
            println!("{}", out.join("report.html").display());
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    console::start();
    let verb = Experiment::parse();
    heirloom_train::terminal::main("heirloom-experiment", verb.threads, || verb.run())
}

/// A time in readable units.
fn time(seconds: f64) -> String {
    match seconds {
        ..100.0 => format!("{seconds:.1} s"),
        ..6000.0 => format!("{:.1} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

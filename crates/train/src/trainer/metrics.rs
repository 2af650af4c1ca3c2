//! Metrics as JSON lines, and as lines of the log.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};

use heirloom_io::atomic::write_durably;
use serde_json::{Value, json};

use super::{
    evaluate::Point,
    step::{Cost, MeanCost},
};
use crate::error::{Result, TrainError};

/// Sums over the steps since the last line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    cost: Cost,
    norm: f64,
    largest_norm: f64,
    steps: u64,
    skipped: u64,
}

impl Window {
    /// Adds a step that changed the weights.
    pub fn add(&mut self, cost: Cost, norm: f64) {
        self.cost.fresh = sum(self.cost.fresh, cost.fresh);
        self.cost.replay = sum(self.cost.replay, cost.replay);
        self.norm += norm;
        self.largest_norm = self.largest_norm.max(norm);
        self.steps += 1;
    }

    /// Counts a skipped step.
    pub fn skip(&mut self) {
        self.skipped += 1;
    }
}

fn sum(a: Option<MeanCost>, b: Option<MeanCost>) -> Option<MeanCost> {
    match (a, b) {
        (Some(a), Some(b)) => Some(MeanCost { loss: a.loss + b.loss, bpp: a.bpp + b.bpp, mse: a.mse + b.mse }),
        (a, b) => a.or(b),
    }
}

/// The metrics file of a run.
pub struct Metrics {
    path: PathBuf,
    /// Start of the time that the next line's speed is taken over.
    since: Instant,
}

impl Metrics {
    /// Opens `metrics.jsonl` in the run's folder and drops its lines after step `from`: those steps
    /// will be done again.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn open(run: &Path, from: u64) -> Result<Self> {
        let path = run.join("metrics.jsonl");
        if path.exists() {
            let text = fs::read_to_string(&path).map_err(TrainError::io("read", &path))?;
            let of = |line: &str| serde_json::from_str::<Value>(line).ok().and_then(|v| v.get("step")?.as_u64());
            let kept: String = text
                .lines()
                .filter(|line| of(line).is_some_and(|step| step <= from))
                .flat_map(|line| [line, "\n"])
                .collect();
            write_durably(&path, kept.as_bytes())?;
        }
        Ok(Self { path, since: Instant::now() })
    }

    /// Writes the means over `window`, which ends with step number `step` of `total`, and empties
    /// it. Means are `null` if every step was skipped.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn steps(&mut self, window: &mut Window, step: u64, total: u64, rate: f64) -> Result<()> {
        let n = window.steps as f64;
        let none = MeanCost { loss: f64::NAN, bpp: f64::NAN, mse: f64::NAN };
        let MeanCost { loss, bpp, mse } = window.cost.fresh.map_or(none, |sum| sum.over(n));
        let replay = window.cost.replay.map(|sum| sum.over(n));
        let norm = window.norm / n;
        let elapsed = self.since.elapsed().as_secs_f64().max(1e-9);
        self.since = Instant::now();
        let speed = (window.steps + window.skipped) as f64 / elapsed;
        let psnr = psnr(mse);
        let mut line = json!({
            "kind": "train", "step": step, "loss": loss, "bpp": bpp, "mse": mse, "psnr": psnr, "grad_norm": norm,
            "largest_grad_norm": window.largest_norm, "lr": rate, "skipped": window.skipped, "steps_per_second": speed,
        });
        if let Some(replay) = replay {
            line["replay_loss"] = json!(replay.loss);
            line["replay_mse"] = json!(replay.mse);
        }
        self.line(&line)?;
        let left = duration(total.saturating_sub(step) as f64 / speed.max(1e-9));
        let mut costs = String::new();
        if window.cost.fresh.is_some() {
            costs += &format!("  loss {loss:.4}  bpp {bpp:.4}  psnr {psnr:.2}");
        }
        if let Some(replay) = replay {
            costs += &format!("  replay {:.4}", replay.loss);
        }
        let skipped = if window.skipped > 0 { format!("  {} skipped", window.skipped) } else { String::new() };
        log::info!("step {step}/{total}{costs}  |g| {norm:.2}  lr {rate:.2e}  {speed:.2} step/s  {left} left{skipped}");
        *window = Window::default();
        Ok(())
    }

    /// Writes the probe after step number `step`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn probe(&mut self, step: u64, points: &[Point]) -> Result<()> {
        let started = Instant::now();
        self.line(&json!({ "kind": "probe", "step": step, "points": points }))?;
        let parts: Vec<String> =
            points.iter().map(|p| format!("λ {}: {:.4} bpp {:.2} dB", p.lambda, p.bpp, p.psnr)).collect();
        log::info!("probe at {step}  {}", parts.join("  |  "));
        self.since += started.elapsed();
        Ok(())
    }

    /// Excludes the time since `started` from the speed.
    pub fn pause(&mut self, started: Instant) {
        self.since += started.elapsed();
    }

    /// Syncs the file to disk. Done before each checkpoint, which must not get ahead of the
    /// metrics.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn sync(&self) -> Result<()> {
        match fs::OpenOptions::new().append(true).open(&self.path).and_then(|file| file.sync_all()) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(TrainError::io("write", &self.path)(e)),
            _ => Ok(()),
        }
    }

    fn line(&self, value: &Value) -> Result<()> {
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .map_err(TrainError::io("write", &self.path))?;
        file.write_all(format!("{value}\n").as_bytes()).map_err(TrainError::io("write", &self.path))
    }
}

/// PSNR in dB of a mean squared error on the [-1, 1] scale; 100 for no error.
fn psnr(mse: f64) -> f64 {
    if mse == 0.0 { 100.0 } else { 10.0 * (4.0 / mse).log10() }
}

fn duration(seconds: f64) -> String {
    let s = seconds.min(1e9) as u64;
    format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

//! Whole folders: what lies in them, and where the results go in a tree like it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::SystemTime;

use serde_json::json;
use walkdir::WalkDir;

use crate::failure::Failure;
use crate::jobs::Job;
use crate::journal::{self, Journal, Stamp};
use crate::location::Location;

/// Extension of Heirloom files.
const HEIRLOOM: &str = "hlm";

/// Flags of verbs that take folders.
#[derive(clap::Args)]
pub struct TreeFlags {
    /// Take all files of the folders given, and of their subfolders; -o must name a folder, which
    /// gets subfolders of the same names
    ///
    /// The output folder keeps a journal: what was done before is not done again unless the input
    /// or an option has changed, and a run that was killed goes on where it was. Results keep the
    /// modification times of their inputs, and the extensions of their inputs before their own.
    #[arg(short, long, requires = "output")]
    recursive: bool,

    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Print one JSON object a file on standard output
    #[arg(long)]
    json: bool,
}

/// What was done with one file.
pub struct Done {
    /// A line for the user.
    pub line: String,
    /// Bytes that were read and written.
    pub bytes: [u64; 2],
}

/// A run over jobs that knows what earlier runs did.
pub struct Tree<'a> {
    flags: &'a TreeFlags,
    journal: Option<Journal>,
    totals: [AtomicU64; 2],
    done: AtomicU64,
    skipped: AtomicU64,
}

impl TreeFlags {
    /// The jobs of whole folders, or `None` if `--recursive` was not asked for. `wanted` says by its
    /// name whether a file is to be taken.
    ///
    /// # Errors
    /// An input that is no folder, an output that lies above an input, a folder that cannot be read.
    pub fn jobs(
        &self,
        inputs: &[PathBuf],
        output: Option<&Path>,
        extension: &str,
        wanted: impl Fn(&Path) -> bool,
    ) -> Result<Option<Vec<Job>>, Failure> {
        let Some(output) = output.filter(|_| self.recursive) else { return Ok(None) };
        let same = |a: &Path, b: &Path| fs::canonicalize(a).ok().is_some_and(|a| fs::canonicalize(b).ok() == Some(a));
        let mut jobs = Vec::new();
        let mut origins: HashMap<PathBuf, PathBuf> = HashMap::new();
        for folder in inputs {
            if !folder.is_dir() {
                return Err(Failure::usage("is not a folder, as --recursive needs").about(folder.display()));
            }
            if same(folder, output) {
                return Err(
                    Failure::usage("is both input and output; choose another folder with -o").about(folder.display())
                );
            }
            let walk = WalkDir::new(folder).sort_by_file_name().into_iter();
            // The output may lie within the input.
            for entry in walk.filter_entry(|entry| !entry.file_type().is_dir() || !same(entry.path(), output)) {
                let entry = entry.map_err(|e| Failure::failed(e.to_string()))?;
                let path = entry.path();
                if !path.is_file() || !wanted(path) {
                    continue;
                }
                let relative = path.strip_prefix(folder).unwrap_or(path);
                // Results of a.jpg and a.png do not collide.
                let kept = relative.extension().filter(|kept| !kept.eq_ignore_ascii_case(HEIRLOOM));
                let kept = kept.map_or_else(String::new, |kept| format!("{}.", kept.to_string_lossy()));
                let result = output.join(relative.with_extension(kept + extension));
                if let Some(other) = origins.insert(result.clone(), path.to_owned()) {
                    return Err(Failure::usage(format!(
                        "{} and {} would both be written to {}; give the folders in separate runs",
                        other.display(),
                        path.display(),
                        result.display()
                    )));
                }
                jobs.push(Job { input: Location::File(path.to_owned()), output: Location::File(result) });
            }
        }
        Ok(Some(jobs))
    }

    /// Prepares a run. `settings` are everything that results depend on besides the inputs.
    ///
    /// # Errors
    /// An output folder or a journal that cannot be written.
    pub fn start(&self, output: Option<&Path>, settings: &str) -> Result<Tree<'_>, Failure> {
        let journal = match output.filter(|_| self.recursive && !self.dry_run) {
            Some(folder) => Some(Journal::open(folder, settings)?),
            None => None,
        };
        let zero = || AtomicU64::new(0);
        Ok(Tree { flags: self, journal, totals: [zero(), zero()], done: zero(), skipped: zero() })
    }
}

impl Tree<'_> {
    /// Whether a result may replace a file that exists: one that the journal knows is of an earlier
    /// run.
    pub fn may_replace(&self, output: &Location) -> bool {
        matches!(output, Location::File(path) if self.journal.as_ref().is_some_and(|journal| journal.knows(path)))
    }

    /// Does `work` on a job unless that was done before. Returns a line for the user.
    pub fn run(&self, job: &Job, work: impl FnOnce() -> Result<Done, Failure>) -> Result<String, Failure> {
        let Job { input, output } = job;
        if self.flags.dry_run {
            return Ok(format!("{input} -> {output}"));
        }
        let stamp = self.journal.as_ref().and_then(|_| stamp(input));
        if let (Some(journal), Some(stamp), Location::File(path)) = (&self.journal, stamp, output)
            && journal.is_done(path, stamp)
            && path.exists()
        {
            self.skipped.fetch_add(1, Relaxed);
            self.tell(job, "skipped", None, None);
            return Ok(String::new());
        }
        if let (Some(_), Location::File(path)) = (&self.journal, output)
            && let Some(folder) = path.parent()
        {
            let failed = |e: std::io::Error| Failure::failed(format!("cannot be made: {e}")).about(folder.display());
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let done = work().inspect_err(|failure| self.tell(job, "failed", None, Some(&failure.message)))?;
        if let (Some(journal), Some(stamp), Location::File(path)) = (&self.journal, stamp, output) {
            keep_time(path, stamp.modified());
            journal.add(path, stamp)?;
        }
        self.done.fetch_add(1, Relaxed);
        self.totals.iter().zip(done.bytes).for_each(|(total, bytes)| _ = total.fetch_add(bytes, Relaxed));
        self.tell(job, "done", Some(done.bytes), None);
        Ok(if self.flags.json { String::new() } else { done.line })
    }

    /// One JSON object, if asked for.
    fn tell(&self, Job { input, output }: &Job, status: &str, bytes: Option<[u64; 2]>, error: Option<&str>) {
        if self.flags.json {
            let mut object = json!({ "input": input.to_string(), "output": output.to_string(), "status": status });
            if let Some([read, written]) = bytes {
                (object["bytes_read"], object["bytes_written"]) = (read.into(), written.into());
            }
            if let Some(error) = error {
                object["error"] = error.into();
            }
            crate::batch::print(&object.to_string());
        }
    }

    /// A last line: how many files, and how many bytes they had before and after.
    pub fn summary(&self) -> Option<String> {
        self.journal.as_ref()?;
        let [done, skipped] = [&self.done, &self.skipped].map(|count| count.load(Relaxed));
        let [read, written] = self.totals.each_ref().map(|total| total.load(Relaxed));
        let percent = (100 * written).checked_div(read).map_or_else(String::new, |percent| format!(" ({percent} %)"));
        Some(format!("{done} files done, {read} -> {written} bytes{percent}; {skipped} were done before"))
    }
}

/// Size and modification time of an input.
fn stamp(input: &Location) -> Option<Stamp> {
    match input {
        Location::Stdio => None,
        Location::File(path) => journal::Stamp::of(path),
    }
}

/// Gives a result the modification time of its input. That it cannot be set is no failure.
fn keep_time(path: &Path, time: SystemTime) {
    if let Ok(file) = fs::File::options().append(true).open(path) {
        let _ = file.set_modified(time);
    }
}

//! `heirloom models add`

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{ExitCode, Failure, exit_code};
use crate::models::{self, StoreFlag};

/// Add model files to the store
///
/// Every weight and both ids are checked first. Without --force, a model that is in the store
/// already is refused, and so is another model with the same lineage and number.
#[derive(clap::Args)]
pub struct Add {
    /// Model files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    store: StoreFlag,

    /// Replace a model that is in the store already; keep two models with the same lineage and
    /// number
    #[arg(short, long)]
    force: bool,
}

impl Add {
    pub fn run(&self, quiet: bool) -> Result<ExitCode, Failure> {
        let mut failures = Vec::new();
        for file in &self.files {
            match self.add(file) {
                Ok(path) if quiet => drop(path),
                Ok(path) => eprintln!("{} -> {}", file.display(), path.display()),
                Err(failure) => {
                    let failure = failure.about(file.display());
                    eprintln!("heirloom: {failure}");
                    failures.push(failure.kind);
                }
            }
        }
        Ok(exit_code(&failures))
    }

    fn add(&self, file: &Path) -> Result<PathBuf, Failure> {
        let bytes = fs::read(file).map_err(|e| Failure::failed(e.to_string()))?;
        // Read again for every file, because the previous ones are in it now.
        let store = self.store.open_or_empty()?;
        models::add(&store, &bytes, self.force)
    }
}

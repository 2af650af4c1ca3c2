//! The verbs of other programs: `heirloom train`, `learn` and others of `heirloom-train`, and
//! `heirloom experiment`.

use std::env;
use std::ffi::OsString;
use std::io;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::{ExitCode, Failure};

/// Program of all training verbs but `experiment`.
const TRAINER: &str = "heirloom-train";
/// Program of the verb `experiment`.
const EXPERIMENT: &str = "heirloom-experiment";

#[derive(clap::Args)]
pub struct Arguments {
    /// Arguments of the other program
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Arguments {
    /// Runs `heirloom-train VERB ARGUMENTS…` and returns its exit status.
    pub fn train(&self, verb: &str, threads: Option<NonZero<usize>>) -> Result<ExitCode, Failure> {
        self.hand_over(TRAINER, verb, &[verb], threads)
    }

    /// Runs `heirloom-experiment ARGUMENTS…` and returns its exit status.
    pub fn experiment(&self, threads: Option<NonZero<usize>>) -> Result<ExitCode, Failure> {
        self.hand_over(EXPERIMENT, "experiment", &[], threads)
    }

    fn hand_over(
        &self,
        name: &str,
        verb: &str,
        first: &[&str],
        threads: Option<NonZero<usize>>,
    ) -> Result<ExitCode, Failure> {
        let program = beside_this_program(name).unwrap_or_else(|| PathBuf::from(name));
        let mut command = Command::new(&program);
        if let Some(threads) = threads {
            command.arg("--threads").arg(threads.to_string());
        }
        let status = command.args(first).args(&self.arguments).status();
        match status {
            // A program that a signal ended has no status.
            Ok(status) => Ok(ExitCode::from(status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(1))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(Failure::usage(format!(
                "'{verb}' needs the program {name}, which is neither beside heirloom nor on PATH; build it in the \
                 source folder with\n    cargo build --release -p {name}\nand put target/release/{name} there"
            ))),
            Err(e) => Err(Failure::failed(format!("cannot start {}: {e}", program.display()))),
        }
    }
}

fn beside_this_program(name: &str) -> Option<PathBuf> {
    let program = env::current_exe().ok()?.with_file_name(name).with_extension(env::consts::EXE_EXTENSION);
    program.is_file().then_some(program)
}

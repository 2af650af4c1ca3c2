//! The verbs that the program `heirloom-train` does: `heirloom train`, `learn` and others.

use std::env;
use std::ffi::OsString;
use std::io;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::failure::Failure;

const PROGRAM: &str = "heirloom-train";

#[derive(clap::Args)]
pub struct Arguments {
    /// Arguments of heirloom-train
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Arguments {
    /// Runs `heirloom-train VERB ARGUMENTS…` and returns its exit status.
    pub fn hand_over(&self, verb: &str, threads: Option<NonZero<usize>>) -> Result<ExitCode, Failure> {
        let program = beside_this_program().unwrap_or_else(|| PathBuf::from(PROGRAM));
        let mut command = Command::new(&program);
        if let Some(threads) = threads {
            command.arg("--threads").arg(threads.to_string());
        }
        let status = command.arg(verb).args(&self.arguments).status();
        match status {
            // A program that a signal ended has no status.
            Ok(status) => Ok(ExitCode::from(status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(1))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(Failure::usage(format!(
                "'{verb}' needs the program {PROGRAM}, which is neither beside heirloom nor on PATH; build it in the \
                 source folder with\n    cargo build --release -p {PROGRAM}\nand put target/release/{PROGRAM} there"
            ))),
            Err(e) => Err(Failure::failed(format!("cannot start {}: {e}", program.display()))),
        }
    }
}

fn beside_this_program() -> Option<PathBuf> {
    let program = env::current_exe().ok()?.with_file_name(PROGRAM).with_extension(env::consts::EXE_EXTENSION);
    program.is_file().then_some(program)
}

//! Finds the model that goes into the program.
//!
//! `HEIRLOOM_DEFAULT_MODEL=FILE cargo build` puts another model in.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

const DEFAULT: &str = "../../models/second-gen1.safetensors";

fn main() -> ExitCode {
    println!("cargo:rerun-if-env-changed=HEIRLOOM_DEFAULT_MODEL");
    let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let model = env::var("HEIRLOOM_DEFAULT_MODEL").unwrap_or_else(|_| DEFAULT.into());
    match fs::canonicalize(Path::new(&folder).join(&model)) {
        Ok(path) => {
            println!("cargo:rerun-if-changed={}", path.display());
            println!("cargo:rustc-env=HEIRLOOM_DEFAULT_MODEL_PATH={}", path.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("cargo:rerun-if-changed={folder}");
            eprintln!(
                "The model that goes into the command, {model}, cannot be read: {error}.\n\
                 Restore it, or name another model file (absolute, or relative to {folder}) by HEIRLOOM_DEFAULT_MODEL."
            );
            ExitCode::FAILURE
        }
    }
}

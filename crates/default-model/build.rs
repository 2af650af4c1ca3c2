//! Chooses the model file that is built into the crate.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

/// The default model.
const MODEL: &str = "third-gen0.safetensors";
/// Environment variable that names another model file to build around.
const VARIABLE: &str = "HEIRLOOM_DEFAULT_MODEL";

fn main() -> Result<(), Box<dyn Error>> {
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let other = env::var(VARIABLE).ok().filter(|path| !path.is_empty());
    let path = package.join(other.as_deref().unwrap_or(MODEL));
    println!("cargo::rerun-if-changed={}", path.display());
    let path = fs::canonicalize(&path).map_err(|error| {
        format!(
            "cannot read the model to build in, {}: {error}. Restore it, or name another model file in {VARIABLE} \
             (absolute, or relative to {})",
            path.display(),
            package.display()
        )
    })?;
    println!("cargo::rustc-env=HEIRLOOM_MODEL_TO_BUILD_IN={}", path.display());
    Ok(())
}

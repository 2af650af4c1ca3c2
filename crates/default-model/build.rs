//! Restores the model file that is built into the crate.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "src/planes.rs"]
mod planes;

/// The default model, split by `examples/planes.rs`.
const PLANES: &str = "second-gen1.planes";
/// Environment variable that names another model file to build around.
const VARIABLE: &str = "HEIRLOOM_DEFAULT_MODEL";

fn main() -> Result<(), Box<dyn Error>> {
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let output = Path::new(&env::var("OUT_DIR")?).join("default.safetensors");
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    println!("cargo::rerun-if-changed=src/planes.rs");
    let other = env::var(VARIABLE).ok().filter(|path| !path.is_empty());
    let path = package.join(other.as_deref().unwrap_or(PLANES));
    println!("cargo::rerun-if-changed={}", path.display());
    let bytes = fs::read(&path).map_err(|error| {
        format!(
            "cannot read the model to build in, {}: {error}. Restore it, or name another model file in {VARIABLE} \
             (absolute, or relative to {})",
            path.display(),
            package.display()
        )
    })?;
    let model = if other.is_some() { bytes } else { planes::join(&bytes) };
    fs::write(output, model)?;
    Ok(())
}

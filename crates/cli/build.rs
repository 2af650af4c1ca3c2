//! With the feature `page`: puts the page of `heirloom view`, which crates/web/build makes, into the program.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

/// Folder of the built page, from this package.
const PAGE: &str = "../../web/dist";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=HEIRLOOM_PAGE");
    if env::var_os("CARGO_FEATURE_PAGE").is_none() {
        return Ok(());
    }
    let folder =
        PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join(env::var_os("HEIRLOOM_PAGE").unwrap_or(PAGE.into()));
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(&folder).map_err(|error| {
        format!(
            "the feature `page` needs the built page in {}: {error}. Build it with crates/web/build",
            folder.display()
        )
    })?;
    let mut table = String::from("pub const FILES: &[(&str, &[u8])] = &[\n");
    for entry in entries {
        let path = entry?.path();
        if path.is_file()
            && let Some(name) = path.file_name().and_then(|name| name.to_str())
        {
            table += &format!("    ({name:?}, include_bytes!({:?})),\n", path.canonicalize()?);
        }
    }
    table += "];\n";
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("page.rs"), table)?;
    Ok(())
}

//! The folder of the store: where it is, and how its files are named.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use heirloom_codec::model::Lineage;

/// Environment variable that names the folder of the store.
pub const VARIABLE: &str = "HEIRLOOM_MODELS";
/// Extension of model files.
pub const EXTENSION: &str = "safetensors";

/// Name of a model's file: `genN-ID.safetensors`, with the first 16 digits of the generation id.
#[must_use]
pub fn file_name(lineage: &Lineage) -> String {
    format!("gen{}-{:.16}.{EXTENSION}", lineage.generation, lineage.generation_id.to_string())
}

/// The folder that the environment names, else the one among the user's data; `None` if there is
/// neither.
pub(crate) fn default() -> Option<PathBuf> {
    variable(VARIABLE).or_else(among_user_data)
}

/// The model files in a folder and in the folders directly inside it, in the order of their paths.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = entries(folder)?;
    for lineage in paths.clone().into_iter().filter(|path| path.is_dir()) {
        paths.extend(entries(&lineage)?);
    }
    paths.retain(|path| path.extension() == Some(OsStr::new(EXTENSION)) && path.is_file());
    paths.sort();
    Ok(paths)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect()
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// A folder by the XDG base directory specification, or in the local application data of Windows.
fn among_user_data() -> Option<PathBuf> {
    let data = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else {
        variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share")))
    };
    data.map(|data| data.join("heirloom").join("models"))
}

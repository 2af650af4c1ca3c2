//! The store's folder: where it is, what lies in it, and under which names.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use heirloom_codec::model::Lineage;

/// Environment variable that names the store.
pub const VARIABLE: &str = "HEIRLOOM_MODELS";
/// Extension of model files.
pub const EXTENSION: &str = "safetensors";

/// `genN-ID.safetensors`, with as much of the generation id as files carry and more.
#[must_use]
pub fn file_name(lineage: &Lineage) -> String {
    format!("gen{}-{:.16}.{EXTENSION}", lineage.generation, lineage.generation_id.to_string())
}

/// The folder of the environment, else the user's; none if there is no place for one.
pub(crate) fn usual() -> Option<PathBuf> {
    set(VARIABLE).or_else(users_own)
}

/// Every model file in a folder and in the folders in it, in the order of their paths.
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

fn set(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Where a user's data belong: the XDG base directories, or Windows' local application data.
fn users_own() -> Option<PathBuf> {
    let data = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else {
        set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")))
    };
    data.map(|data| data.join("heirloom").join("models"))
}

//! A folder of images to measure on.

use std::fs;
use std::path::{Path, PathBuf};

use heirloom_eval::anchors;
use heirloom_io::EXTENSIONS;

use crate::failure::Failure;

/// The image files of a folder, in the order of their names.
pub fn images(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let fail = |e: std::io::Error| Failure::failed(e.to_string()).about(folder.display());
    let mut images = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if EXTENSIONS.contains(&extension.as_str()) && path.is_file() {
            images.push(path);
        }
    }
    images.sort();
    if images.is_empty() {
        return Err(Failure::failed(format!(
            "{}: has no images; looked for the extensions {}",
            folder.display(),
            EXTENSIONS.join(", ")
        )));
    }
    Ok(images)
}

/// Name of the data set: Kodak if the files have the names of its images, else the name of the
/// folder.
pub fn dataset(folder: &Path, images: &[PathBuf]) -> String {
    if anchors::is_kodak(images) {
        return anchors::KODAK.into();
    }
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.file_name().map_or_else(|| "images".into(), |n| n.to_string_lossy().into_owned())
}

/// A temporary folder for the files that are measured.
pub fn scratch() -> Result<tempfile::TempDir, Failure> {
    tempfile::tempdir().map_err(|e| Failure::failed(format!("cannot create a temporary folder: {e}")))
}

/// Hash that says which images a number was measured on: BLAKE3 of the name and the bytes of each
/// image, each of them behind its length as a little-endian `u64`, in the given order. 64
/// hexadecimal digits.
pub fn hash(images: &[PathBuf]) -> Result<String, Failure> {
    let mut hasher = blake3::Hasher::new();
    for path in images {
        let bytes = fs::read(path).map_err(|e| Failure::failed(e.to_string()).about(path.display()))?;
        for part in [path.file_name().unwrap_or_default().to_string_lossy().as_bytes(), &bytes] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

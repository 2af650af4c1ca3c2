//! A folder of images to measure on.

use std::fs;
use std::path::{Path, PathBuf};

use heirloom_eval::anchors;
use heirloom_io::EXTENSIONS;

use crate::failure::Failure;

/// Image files of a folder in the order of their names.
pub fn images(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let fail = |e: std::io::Error| Failure::failed(format!("{}: {e}", folder.display()));
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
        return Err(Failure::failed(format!("{}: holds no images ({})", folder.display(), EXTENSIONS.join(", "))));
    }
    Ok(images)
}

/// Name of the data set: Kodak where it is that by all its file names, else the folder's.
pub fn dataset(folder: &Path, images: &[PathBuf]) -> String {
    if anchors::is_kodak(images) {
        return anchors::KODAK.into();
    }
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.file_name().map_or_else(|| "images".into(), |n| n.to_string_lossy().into_owned())
}

/// BLAKE3 of the images' names and bytes (each a length as `u64`, little endian, and then itself) in the order given: which
/// images a number was measured on. 64 hexadecimal digits.
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

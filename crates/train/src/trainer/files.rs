//! Files that are whole or not there, whenever the program is killed or the power fails.

use std::{fs, io::Write, path::Path};

use crate::{Result, TrainError};

/// Writes `path` by way of a temporary name beside it, synced before it is renamed, and the folder synced after.
///
/// # Errors
/// A folder that cannot be written, by the file's name.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = path.with_extension("partial");
    let write = || -> std::io::Result<()> {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, path)?;
        sync_folder(path)
    };
    write().map_err(TrainError::io("write", path))
}

/// Makes a rename in the folder of `path` last through a power failure, where folders can be synced.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        #[cfg(unix)]
        Some(folder) if !folder.as_os_str().is_empty() => fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = std::env::temp_dir().join(format!("heirloom-train-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("config.toml");
        for text in ["long and first", "second"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
        assert!(replace(&path, b"").unwrap_err().to_string().contains("config.toml"));
    }
}

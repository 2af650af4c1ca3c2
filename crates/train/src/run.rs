//! A run that is named on the command line, by its folder or by one of its checkpoints.

use std::path::Path;

use heirloom_train::{Result, TrainError, trainer::checkpoint::Checkpoint};

/// The named checkpoint, else the newest of the folder.
pub fn checkpoint(path: &Path) -> Result<Checkpoint> {
    if !path.is_dir() {
        return Checkpoint::read(path);
    }
    Checkpoint::newest(path)?.ok_or_else(|| TrainError::Checkpoint(format!("there is none in {}", path.display())))
}

/// The run's folder.
pub fn folder(run: &Path) -> &Path {
    match run.parent() {
        _ if run.is_dir() => run,
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

//! What earlier runs did in an output folder.
//!
//! The journal is a file of lines of JSON, one for each result: its path within the folder, size
//! and modification time of its input, and a hash of the settings. A line is added when its result
//! has its final name, in one write. A line that was cut short by a crash is ignored.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::failure::Failure;

/// Name of the journal in its folder.
pub const NAME: &str = ".heirloom-journal";

/// Size and modification time of an input: whether it is still the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    size: u64,
    /// Nanoseconds since 1970.
    modified: u64,
}

impl Stamp {
    /// The stamp of a file; `None` if the system does not tell.
    pub fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Self { size: metadata.len(), modified: u64::try_from(modified.as_nanos()).ok()? })
    }

    /// The modification time.
    pub fn modified(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.modified)
    }
}

/// The journal of an output folder.
pub struct Journal {
    folder: PathBuf,
    settings: String,
    /// Stamp and settings of each result, by its path within the folder.
    known: HashMap<String, (Stamp, String)>,
    file: Mutex<File>,
}

impl Journal {
    /// Reads the journal of a folder, which is made if it does not exist.
    pub fn open(folder: &Path, settings: &str) -> Result<Self, Failure> {
        let path = folder.join(NAME);
        let failed = |e: std::io::Error| Failure::failed(format!("cannot be written: {e}")).about(path.display());
        fs::create_dir_all(folder)
            .map_err(|e| Failure::failed(format!("cannot be the output folder: {e}")).about(folder.display()))?;
        let text = fs::read_to_string(&path).unwrap_or_default();
        let known = text.lines().filter_map(parse).collect();
        let mut file = File::options().create(true).append(true).open(&path).map_err(failed)?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n").map_err(failed)?;
        }
        let settings = blake3::hash(settings.as_bytes()).to_hex()[..16].to_owned();
        Ok(Self { folder: folder.to_owned(), settings, known, file: Mutex::new(file) })
    }

    /// Whether the journal knows a result, of whatever input and settings.
    pub fn knows(&self, result: &Path) -> bool {
        self.known.contains_key(&self.key(result))
    }

    /// Whether a result was made of this input with these settings.
    pub fn is_done(&self, result: &Path, input: Stamp) -> bool {
        self.known.get(&self.key(result)).is_some_and(|(stamp, settings)| *stamp == input && *settings == self.settings)
    }

    /// Notes a result that has its final name.
    pub fn add(&self, result: &Path, input: Stamp) -> Result<(), Failure> {
        let line = json!({
            "result": self.key(result),
            "size": input.size,
            "modified": input.modified,
            "settings": self.settings,
        });
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(format!("{line}\n").as_bytes())
            .map_err(|e| Failure::failed(format!("cannot be written: {e}")).about(self.folder.join(NAME).display()))
    }

    fn key(&self, result: &Path) -> String {
        result.strip_prefix(&self.folder).unwrap_or(result).to_string_lossy().into_owned()
    }
}

fn parse(line: &str) -> Option<(String, (Stamp, String))> {
    let line: Value = serde_json::from_str(line).ok()?;
    let stamp = Stamp { size: line["size"].as_u64()?, modified: line["modified"].as_u64()? };
    Some((line["result"].as_str()?.to_owned(), (stamp, line["settings"].as_str()?.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_known_until_input_or_settings_change() {
        let folder = tempfile::tempdir().unwrap();
        let (result, input) = (folder.path().join("a/b.hlm"), Stamp { size: 5, modified: 7 });
        let open = |settings| Journal::open(folder.path(), settings).unwrap();
        open("x").add(&result, input).unwrap();
        assert!(open("x").is_done(&result, input) && open("y").knows(&result));
        assert!(!open("y").is_done(&result, input));
        assert!(!open("x").is_done(&result, Stamp { size: 6, ..input }));
        assert!(!open("x").is_done(&result, Stamp { modified: 8, ..input }));

        // A line that was cut short is ignored, and does not spoil the next.
        let path = folder.path().join(NAME);
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{whole}{}", &whole[..20])).unwrap();
        let other = folder.path().join("c.hlm");
        open("x").add(&other, input).unwrap();
        assert!(open("x").is_done(&result, input) && open("x").is_done(&other, input));
    }
}

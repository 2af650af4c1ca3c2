//! Files that are written whole or not at all.
//!
//! The bytes go to a temporary file in the same folder, which then takes the name of the target. A
//! reader sees the old file or the new one, never a part of it. A program that is about to be ended
//! by a signal calls [`remove_temporaries`].

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::FileError;

/// The temporary files that there are now.
static TEMPORARIES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn temporaries() -> MutexGuard<'static, Vec<PathBuf>> {
    // A list of names is whole whatever a thread that held it did.
    TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the temporary files of all writes that are under way, and keeps new ones from being made:
/// writes that begin later wait for ever. For the end of the program.
pub fn remove_temporaries() {
    let list = temporaries();
    for path in list.iter() {
        // Nothing is left to be done about a file that cannot be removed.
        let _ = fs::remove_file(path);
    }
    std::mem::forget(list);
}

/// What happens to a file that is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and writing fails with [`FileError::Exists`].
    Keep,
    /// It is replaced.
    Replace,
}

impl Existing {
    /// [`Existing::Replace`] for the value of a `--force` flag that is set, else
    /// [`Existing::Keep`].
    #[must_use]
    pub fn from_force(force: bool) -> Self {
        if force { Self::Replace } else { Self::Keep }
    }
}

/// Checks, before any work is done, that [`write()`] would not refuse the path.
///
/// # Errors
/// [`FileError::Folder`], [`FileError::NoFolder`], and [`FileError::Exists`] for a file that shall
/// be kept.
pub fn check(path: &Path, existing: Existing) -> Result<(), FileError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(FileError::Folder(path.to_owned())),
        Ok(found) if found.is_file() && existing == Existing::Keep => Err(FileError::Exists(path.to_owned())),
        Err(_) if !folder_of(path).is_dir() => Err(FileError::NoFolder(path.to_owned())),
        _ => Ok(()),
    }
}

/// Writes a file atomically and durably: its bytes are on the disk before it takes its name, so that
/// after a power failure there is the old file or the new one. A new file gets the permissions of an
/// ordinary one; a file that is replaced keeps its own.
///
/// A symbolic link stays, and the file it leads to is replaced. What is neither a file nor a
/// folder, such as `/dev/null`, is written to directly.
///
/// # Errors
/// Fails as [`check`] does, or with [`FileError::Io`].
pub fn write(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), FileError> {
    let mut file = Pending::create(path, existing)?;
    file.write_all(bytes).map_err(|source| FileError::Io { path: path.to_owned(), source })?;
    file.commit()
}

/// A file that is being written, as by [`write()`]: under its name there is what was there before
/// until [`Self::commit`]. Dropping it leaves nothing behind.
pub struct Pending {
    path: PathBuf,
    target: PathBuf,
    existing: Existing,
    written: Written,
}

enum Written {
    Temporary(Temporary, Option<fs::Permissions>),
    /// What is no file has no name to take.
    Directly(File),
}

impl Pending {
    /// Begins a file.
    ///
    /// # Errors
    /// Fails as [`check`] does, or with [`FileError::Io`].
    pub fn create(path: &Path, existing: Existing) -> Result<Self, FileError> {
        check(path, existing)?;
        let failed = |source| FileError::Io { path: path.to_owned(), source };
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let replaced = fs::metadata(&target).ok();
        let written = if replaced.as_ref().is_some_and(|found| !found.is_file()) {
            Written::Directly(File::options().write(true).open(&target).map_err(failed)?)
        } else {
            let permissions = replaced.map(|found| found.permissions());
            Written::Temporary(Temporary::new(folder_of(&target)).map_err(failed)?, permissions)
        };
        Ok(Self { path: path.to_owned(), target, existing, written })
    }

    /// Gives the file its name, once its bytes are on the disk.
    ///
    /// # Errors
    /// [`FileError::Io`], and [`FileError::Exists`] for a file that was made meanwhile and shall be
    /// kept.
    pub fn commit(self) -> Result<(), FileError> {
        let Self { path, target, existing, written } = self;
        let Written::Temporary(temporary, permissions) = written else { return Ok(()) };
        if let Some(permissions) = permissions {
            // Not every file system knows permissions; that is no reason to lose the result.
            let _ = temporary.file.as_file().set_permissions(permissions);
        }
        let synced = temporary.file.as_file().sync_all();
        match synced.and_then(|()| temporary.persist(&target, existing)) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(FileError::Exists(path)),
            Err(source) => Err(FileError::Io { path, source }),
        }
    }
}

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.written {
            Written::Temporary(temporary, _) => temporary.file.write(bytes),
            Written::Directly(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.written {
            Written::Temporary(temporary, _) => temporary.file.flush(),
            Written::Directly(file) => file.flush(),
        }
    }
}

/// A hidden temporary file, removed when it is dropped.
struct Temporary {
    file: tempfile::NamedTempFile,
    listed: Listed,
}

/// A name in the list of temporary files, taken out when it is dropped.
struct Listed(PathBuf);

impl Drop for Listed {
    fn drop(&mut self) {
        temporaries().retain(|path| *path != self.0);
    }
}

impl Temporary {
    /// A file with the permissions of an ordinary new one.
    fn new(folder: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".heirloom-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        // The list is locked from before the file is there until it is listed.
        let mut list = temporaries();
        let file = builder.tempfile_in(folder)?;
        let listed = Listed(file.path().to_owned());
        list.push(listed.0.clone());
        drop(list);
        Ok(Self { file, listed })
    }

    /// Gives the file its name.
    fn persist(self, target: &Path, existing: Existing) -> io::Result<()> {
        let Self { file, listed } = self;
        let renamed = match existing {
            Existing::Replace => file.persist(target),
            Existing::Keep => file.persist_noclobber(target),
        };
        drop(listed);
        renamed.map(drop).map_err(|e| e.error)
    }
}

/// Writes or replaces a file so that it survives a power failure: the file is synced before it
/// takes its name, and its folder after that.
///
/// The temporary file is called like the target with `.partial` appended, so that a program that is
/// killed and run again leaves no more than one. Only one process may write a path at a time.
///
/// # Errors
/// [`FileError::Io`].
pub fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let temporary: PathBuf = path.with_file_name(name);
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, path)?;
        sync_folder(folder_of(path))
    };
    write().map_err(|source| FileError::Io { path: path.to_owned(), source })
}

/// Makes a rename in a folder durable, on systems where folders can be synced.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn existing_files_are_kept_or_replaced_as_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, b"first", Existing::Keep).unwrap();
        assert!(matches!(check(&path, Existing::Keep), Err(FileError::Exists(_))));
        assert!(matches!(write(&path, b"second", Existing::Keep), Err(FileError::Exists(_))));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write(&path, b"second", Existing::Replace).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn folders_and_missing_folders_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(write(folder.path(), b"", Existing::Replace), Err(FileError::Folder(_))));
        let missing = folder.path().join("no").join("file");
        let error = write(&missing, b"", Existing::Replace).unwrap_err();
        assert_eq!(error.to_string(), format!("{}: cannot be written: its folder does not exist", missing.display()));
        assert!(matches!(write_durably(&missing, b""), Err(FileError::Io { .. })));
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn durable_files_are_replaced_and_leave_nothing_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(folder.path().join("config.toml.partial"), "of a killed program").unwrap();
        for text in ["long and first", "second"] {
            write_durably(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(names(folder.path()), ["config.toml"]);
    }

    #[cfg(unix)]
    #[test]
    fn replaced_files_keep_their_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, b"old", Existing::Keep).unwrap();
        for mode in [0o600, 0o640, 0o755] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            write(&path, b"new", Existing::Replace).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
    }

    #[test]
    fn temporary_files_are_listed_while_they_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let temporary = Temporary::new(folder.path()).unwrap();
        let path = temporary.file.path().to_owned();
        assert!(temporaries().contains(&path) && path.exists());
        drop(temporary);
        assert!(!temporaries().contains(&path) && !path.exists());
        let temporary = Temporary::new(folder.path()).unwrap();
        let path = temporary.file.path().to_owned();
        temporary.persist(&folder.path().join("a"), Existing::Keep).unwrap();
        assert!(!temporaries().contains(&path));
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_permissions_are_ordinary() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        write(&target, b"old", Existing::Keep).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write(&link, b"new", Existing::Replace).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let plain = folder.path().join("plain");
        fs::write(&plain, b"").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&target), mode(&plain));
        write(Path::new("/dev/null"), b"x", Existing::Replace).unwrap();
    }
}

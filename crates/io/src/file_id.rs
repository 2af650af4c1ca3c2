//! Whether two paths lead to the same file.

use std::path::Path;

/// Identity of a file that exists, whatever path leads to it: device and inode on Unix, so that
/// hard and symbolic links are seen through, and the canonical path elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileId(Identity);

#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = std::path::PathBuf;

impl FileId {
    /// Identity of the regular file at a path; `None` where there is none.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Some(Self((found.dev(), found.ino())))
        }
        #[cfg(not(unix))]
        {
            let _ = found;
            path.canonicalize().ok().map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_to_one_file_have_one_identity() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&a, "same").unwrap();
        std::fs::write(&b, "same").unwrap();
        assert_eq!(FileId::of(&a), FileId::of(&folder.path().join(".").join("a")));
        assert_ne!(FileId::of(&a), FileId::of(&b));
        assert_eq!(FileId::of(folder.path()), None);
        assert_eq!(FileId::of(&folder.path().join("missing")), None);
        #[cfg(unix)]
        {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(&a, &link).unwrap();
            assert_eq!(FileId::of(&a), FileId::of(&link));
        }
    }
}

//! Where bytes come from and go to: names of outputs, standard streams, and writing that never leaves half a file.

use std::fmt;
use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A file, or a standard stream written as `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Stdio,
    File(PathBuf),
}

impl Place {
    pub fn new(path: &Path) -> Self {
        if path.as_os_str() == "-" { Self::Stdio } else { Self::File(path.to_owned()) }
    }

    /// Reads everything.
    pub fn read(&self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Stdio => {
                let mut bytes = Vec::new();
                io::stdin().lock().read_to_end(&mut bytes).map_err(|e| Failure::failed(e.to_string()).of(self))?;
                Ok(bytes)
            }
            Self::File(path) => fs::read(path).map_err(|e| Failure::failed(e.to_string()).of(self)),
        }
    }

    /// Refuses, before any work is done, what [`Place::write`] would refuse.
    pub fn check_writable(&self, force: bool) -> Result<(), Failure> {
        match self {
            Self::Stdio if io::stdout().is_terminal() => {
                Err(Failure::usage("refusing to write an image to the terminal; redirect it or give -o FILE"))
            }
            Self::Stdio => Ok(()),
            Self::File(path) => match fs::metadata(path) {
                Ok(found) if found.is_dir() => Err(Failure::failed("is a folder, not a file").of(self)),
                Ok(found) if found.is_file() && !force => Err(self.exists()),
                _ => Ok(()),
            },
        }
    }

    /// Writes everything or nothing: to a temporary file beside the target, which then takes its name.
    ///
    /// An existing file is replaced only with `force`. What is neither file nor folder, such as `/dev/null`, is written to.
    pub fn write(&self, bytes: &[u8], force: bool) -> Result<(), Failure> {
        self.check_writable(force)?;
        let fail = |e: io::Error| Failure::failed(format!("cannot write: {e}")).of(self);
        let path = match self {
            Self::Stdio => {
                let mut out = io::stdout().lock();
                return out.write_all(bytes).and_then(|()| out.flush()).map_err(fail);
            }
            Self::File(path) => path,
        };
        // Through a link, the file that it leads to is replaced, not the link.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        if fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
            return fs::write(&target, bytes).map_err(fail);
        }
        let folder = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut temporary = temporary_in(folder).map_err(fail)?;
        temporary.write_all(bytes).map_err(fail)?;
        let renamed = if force { temporary.persist(&target) } else { temporary.persist_noclobber(&target) };
        match renamed {
            Ok(_) => Ok(()),
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Err(self.exists()),
            Err(e) => Err(fail(e.error)),
        }
    }

    fn exists(&self) -> Failure {
        Failure::failed("exists already; --force replaces it").of(self)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdio => f.write_str("-"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// A hidden temporary file with the permissions that an ordinary new file has.
fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".heirloom-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// One input and where its result goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub input: Place,
    pub output: Place,
}

/// Finds the output of every input.
///
/// Without `output` it lies beside the input under the same name with `extension`; standard input goes to standard
/// output. `output` is a folder when it is one, ends with a separator, or there are several inputs; it is made if need be.
pub fn plan(inputs: &[PathBuf], output: Option<&Path>, extension: &str) -> Result<Vec<Job>, Failure> {
    let several = inputs.len() > 1;
    let ends_open = output.is_some_and(|o| o.to_string_lossy().ends_with(std::path::is_separator));
    let is_folder = output.is_some_and(|o| several || ends_open || o.is_dir());
    if let Some(folder) = output.filter(|_| is_folder) {
        if folder.as_os_str() == "-" {
            return Err(Failure::usage("several inputs cannot go to standard output; give -o FOLDER"));
        }
        fs::create_dir_all(folder)
            .map_err(|e| Failure::failed(format!("{}: cannot be the output folder: {e}", folder.display())))?;
    }
    let mut jobs: Vec<Job> = Vec::with_capacity(inputs.len());
    for path in inputs {
        let input = Place::new(path);
        let output = match (&input, output) {
            (Place::Stdio, _) if is_folder || several => {
                return Err(Failure::usage(
                    "standard input (-) has no name to use in a folder; give it alone, with -o FILE or -o -",
                ));
            }
            (Place::Stdio, None) => Place::Stdio,
            (_, Some(folder)) if is_folder => {
                Place::File(folder.join(path.with_extension(extension).file_name().unwrap_or_default()))
            }
            (_, Some(file)) => Place::new(file),
            (_, None) => Place::File(path.with_extension(extension)),
        };
        if let Some(other) = jobs.iter().find(|job| job.output == output && output != Place::Stdio) {
            return Err(Failure::usage(format!("{} and {input} would both be written to {output}", other.input)));
        }
        jobs.push(Job { input, output });
    }
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(inputs: &[&str], output: Option<&str>) -> Result<Vec<String>, Failure> {
        let inputs: Vec<PathBuf> = inputs.iter().map(PathBuf::from).collect();
        Ok(plan(&inputs, output.map(Path::new), "hlm")?.iter().map(|j| j.output.to_string()).collect())
    }

    #[test]
    fn outputs_lie_beside_their_inputs() {
        assert_eq!(names(&["a/b.png", "c.d.jpg", "e"], None).unwrap(), ["a/b.hlm", "c.d.hlm", "e.hlm"]);
    }

    #[test]
    fn folders_and_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().display().to_string();
        assert_eq!(names(&["a/b.png"], Some(&inside)).unwrap(), [format!("{inside}/b.hlm")]);
        let new = format!("{inside}/new/");
        assert_eq!(names(&["a/b.png"], Some(&new)).unwrap(), [format!("{new}b.hlm")]);
        let other = format!("{inside}/other");
        assert_eq!(
            names(&["b.png", "c.png"], Some(&other)).unwrap(),
            [format!("{other}/b.hlm"), format!("{other}/c.hlm")]
        );
        assert_eq!(names(&["b.png"], Some("x.bin")).unwrap(), ["x.bin"]);
    }

    #[test]
    fn streams() {
        assert_eq!(names(&["-"], None).unwrap(), ["-"]);
        assert_eq!(names(&["-"], Some("x.hlm")).unwrap(), ["x.hlm"]);
        assert_eq!(names(&["x.png"], Some("-")).unwrap(), ["-"]);
        assert!(names(&["x.png", "y.png"], Some("-")).is_err());
        assert!(names(&["-", "y.png"], None).is_err());
    }

    #[test]
    fn two_inputs_never_share_an_output() {
        let message = names(&["a.png", "a.jpg"], None).unwrap_err().message;
        assert_eq!(message, "a.png and a.jpg would both be written to a.hlm");
    }
}

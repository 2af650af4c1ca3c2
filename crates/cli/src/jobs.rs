//! Which output belongs to which input.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use heirloom_io::FileId;

use crate::failure::Failure;
use crate::location::Location;

/// One input and where its result goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub input: Location,
    pub output: Location,
}

/// Finds the output of every input.
///
/// Without `output` a result is written beside its input, under the same name with `extension`;
/// that of standard input goes to standard output. `output` is a folder if it is one, ends with a
/// separator, or there are several inputs; a missing folder is created.
///
/// # Errors
/// Results that cannot be named, that would overwrite each other, or that would overwrite an input.
pub fn plan(inputs: &[PathBuf], output: Option<&Path>, extension: &str) -> Result<Vec<Job>, Failure> {
    let several = inputs.len() > 1;
    let ends_open = output.is_some_and(|o| o.to_string_lossy().ends_with(std::path::is_separator));
    let is_folder = output.is_some_and(|o| several || ends_open || o.is_dir());
    let folder = output.filter(|_| is_folder);
    if folder.is_some_and(|folder| folder.as_os_str() == "-") {
        return Err(Failure::usage("several inputs cannot go to standard output; give -o FOLDER"));
    }
    let mut jobs = Vec::with_capacity(inputs.len());
    // Inputs that differ in their extensions alone keep them: a.jpg and a.png become a.jpg.hlm and
    // a.png.hlm.
    let stem_of = |path: &Path| {
        let stem = path.with_extension("");
        if folder.is_some() { stem.file_name().map(PathBuf::from).unwrap_or_default() } else { stem }
    };
    let mut stems: HashMap<PathBuf, usize> = HashMap::new();
    inputs.iter().for_each(|path| *stems.entry(stem_of(path)).or_default() += 1);
    let named = |path: &Path| {
        if stems.get(&stem_of(path)).is_none_or(|&count| count == 1) || path.extension().is_none() {
            return path.with_extension(extension);
        }
        let mut name = path.as_os_str().to_owned();
        name.push(".");
        name.push(extension);
        PathBuf::from(name)
    };
    for path in inputs {
        let input = Location::new(path);
        let output = match (&input, output) {
            (Location::Stdio, _) if is_folder || several => {
                return Err(Failure::usage(
                    "standard input (-) has no name to use in a folder; give it alone, with -o FILE or -o -",
                ));
            }
            (Location::Stdio, None) => Location::Stdio,
            (_, Some(folder)) if is_folder => Location::File(folder.join(named(path).file_name().unwrap_or_default())),
            (_, Some(file)) => Location::new(file),
            (_, None) => Location::File(named(path)),
        };
        jobs.push(Job { input, output });
    }
    refuse_overwriting(&jobs)?;
    if let Some(folder) = folder {
        fs::create_dir_all(folder)
            .map_err(|e| Failure::failed(format!("{}: cannot be the output folder: {e}", folder.display())))?;
    }
    Ok(jobs)
}

/// Refuses two results under one name, and results that would replace an input, even with
/// `--force`.
pub fn refuse_overwriting(jobs: &[Job]) -> Result<(), Failure> {
    let inputs: HashMap<FileId, &Location> =
        jobs.iter().filter_map(|job| Some((job.input.file_id()?, &job.input))).collect();
    let mut outputs: HashMap<&Location, &Location> = HashMap::new();
    for Job { input, output } in jobs {
        if *output == Location::Stdio {
            continue;
        }
        if let Some(other) = outputs.insert(output, input) {
            return Err(Failure::usage(format!("{other} and {input} would both be written to {output}")));
        }
        if let Some(overwritten) = output.file_id().and_then(|id| inputs.get(&id)) {
            return Err(Failure::usage(format!(
                "{output}: writing the result of {input} here would overwrite the input {overwritten}; choose another \
                 name with -o"
            )));
        }
    }
    Ok(())
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
    fn inputs_of_one_name_keep_their_extensions() {
        assert_eq!(names(&["a.png", "a.jpg", "b.png"], None).unwrap(), ["a.png.hlm", "a.jpg.hlm", "b.hlm"]);
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().display().to_string();
        let found = names(&["x/a.png", "y/a.jpg"], Some(&inside)).unwrap();
        assert_eq!(found, [format!("{inside}/a.png.hlm"), format!("{inside}/a.jpg.hlm")]);
    }

    #[test]
    fn two_inputs_never_share_an_output() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().display().to_string();
        let message = names(&["x/a.png", "y/a.png"], Some(&inside)).unwrap_err().message;
        assert!(message.starts_with("x/a.png and y/a.png would both be written to"), "{message}");
    }

    #[test]
    fn inputs_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        for name in ["a.png", "a.hlm", "b.png"] {
            fs::write(path(name), name).unwrap();
        }
        let refused = |inputs: &[&str], output: Option<&str>| names(inputs, output).unwrap_err().message;
        assert!(refused(&[&path("a.png")], Some(&path("./a.png"))).contains("would overwrite the input"));
        assert!(refused(&[&path("a.hlm")], None).contains("would overwrite the input"));
        // The result of one input does not replace another input.
        assert_eq!(names(&[&path("a.png"), &path("a.hlm")], None).unwrap()[0], path("a.png.hlm"));
        assert!(names(&[&path("b.png")], Some(&path("a.hlm"))).is_ok());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(path("a.png"), path("link.png")).unwrap();
            assert!(refused(&[&path("a.png")], Some(&path("link.png"))).contains("would overwrite the input"));
        }
    }
}

//! Finding models: the one to learn from, and the generations before it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use heirloom_codec::model::{GenerationId, Metadata, ModelFile};

use crate::{Result, TrainError};

/// The default model of the command `heirloom`.
const DEFAULT: &[u8] = include_bytes!(env!("HEIRLOOM_DEFAULT_MODEL_PATH"));
/// What it is called on the command line.
const DEFAULT_NAME: &str = "default";
/// Environment variable that names the store.
const VARIABLE: &str = "HEIRLOOM_MODELS";
const EXTENSION: &str = "safetensors";
/// Fewest digits of a generation id that are taken for one: as many as files carry.
const LEAST_ID_DIGITS: usize = 8;

/// Reads and checks a model file.
///
/// # Errors
/// A file that cannot be read, or is no sound model, by name.
pub fn read(path: &Path) -> Result<ModelFile> {
    let bytes = fs::read(path).map_err(TrainError::io("read", path))?;
    ModelFile::from_bytes(&bytes).map_err(|e| TrainError::Model(format!("{}: {e}", path.display())))
}

/// The models at hand without being named: those of a folder and of the folders in it, and the default one.
#[derive(Clone, Debug)]
pub struct Store {
    folder: Option<PathBuf>,
    /// Given by the caller: then it must be there.
    asked_for: bool,
}

impl Store {
    /// The store of `heirloom models`: the given folder, else that of the environment, else the user's.
    #[must_use]
    pub fn new(flag: Option<&Path>) -> Self {
        let folder = flag.map(Path::to_owned).or_else(|| set(VARIABLE)).or_else(users_own);
        Self { folder, asked_for: flag.is_some() }
    }

    /// The model whose generation id begins with `id` (lower-case hexadecimal digits), or none.
    ///
    /// # Errors
    /// A folder that cannot be read, a model that is damaged, or several models whose ids begin so.
    pub fn find(&self, id: &str) -> Result<Option<ModelFile>> {
        let mut found: Option<(PathBuf, GenerationId)> = None;
        for path in self.paths()? {
            // Files of the folder that are no models are none of our business.
            let Some(own) = metadata(&path).map(|m| m.lineage.generation_id) else { continue };
            if !own.to_string().starts_with(id) {
                continue;
            }
            match &found {
                Some((other, theirs)) if *theirs != own => {
                    return Err(TrainError::Model(format!(
                        "{} and {} both begin with {id}; give more digits",
                        other.display(),
                        path.display()
                    )));
                }
                _ => found = Some((path, own)),
            }
        }
        if let Some((path, _)) = found {
            return read(&path).map(Some);
        }
        let default = Metadata::from_file_start(DEFAULT).map_err(|e| TrainError::Model(e.to_string()))?;
        if default.lineage.generation_id.to_string().starts_with(id) { default_model().map(Some) } else { Ok(None) }
    }

    fn paths(&self) -> Result<Vec<PathBuf>> {
        let Some(folder) = &self.folder else { return Ok(Vec::new()) };
        let mut paths = match entries(folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound && !self.asked_for => return Ok(Vec::new()),
            found => found.map_err(TrainError::io("read the model store", folder))?,
        };
        for lineage in paths.clone().into_iter().filter(|path| path.is_dir()) {
            paths.extend(entries(&lineage).map_err(TrainError::io("read the model store", &lineage))?);
        }
        paths.retain(|path| path.extension().is_some_and(|e| e == EXTENSION) && path.is_file());
        paths.sort();
        Ok(paths)
    }
}

/// The model that a file, the first digits of a generation id in the store, or `default` names.
///
/// # Errors
/// A model that is not here, or is damaged.
pub fn named(what: &Path, store: &Store) -> Result<ModelFile> {
    if what.exists() {
        return read(what);
    }
    let text = what.to_string_lossy().to_lowercase();
    if text == DEFAULT_NAME {
        return default_model();
    }
    let is_id = (LEAST_ID_DIGITS..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    let found = if is_id { store.find(&text)? } else { None };
    found.ok_or_else(|| {
        TrainError::Model(format!(
            "{} is not here: give a file, '{DEFAULT_NAME}', or {LEAST_ID_DIGITS} or more digits of a generation id in the store",
            what.display()
        ))
    })
}

/// The generations before `parent`, newest first, from `named` and the store.
///
/// # Errors
/// A named model that is no ancestor; a generation that is not at hand, unless `without_missing`: then it is named on stderr.
pub fn ancestors(
    parent: &ModelFile,
    mut named: Vec<ModelFile>,
    store: &Store,
    without_missing: bool,
) -> Result<Vec<ModelFile>> {
    let lineage = parent.metadata.lineage;
    for file in &named {
        let own = file.metadata.lineage;
        if own.entropy_id != lineage.entropy_id || own.generation >= lineage.generation {
            return Err(TrainError::Model(format!(
                "generation {} ({:.16}…) of the lineage {:.16}… is no ancestor of generation {} of the lineage {:.16}…",
                own.generation,
                own.generation_id.to_string(),
                own.entropy_id.to_string(),
                lineage.generation,
                lineage.entropy_id.to_string()
            )));
        }
    }
    let (mut found, mut wanted, mut number) = (Vec::new(), lineage.parent, lineage.generation);
    while let Some(id) = wanted {
        number = number.saturating_sub(1);
        let next = match named.iter().position(|file| file.metadata.lineage.generation_id == id) {
            Some(index) => Some(named.swap_remove(index)),
            None => store.find(&id.to_string())?,
        };
        let next = next.filter(|file| file.metadata.lineage.entropy_id == lineage.entropy_id);
        wanted = next.as_ref().and_then(|file| file.metadata.lineage.parent);
        match next {
            Some(file) => found.push(file),
            None => {
                let what = format!("generation {number} ({id}), which wrote old files too, is not here");
                if !without_missing {
                    return Err(TrainError::Model(format!(
                        "{what}; give it with --ancestor FILE, add it to the store with 'heirloom models add FILE', or go on \
                         without it and what it learned from with --without-missing, which leaves their files out of replay"
                    )));
                }
                eprintln!(
                    "{what}: its files, and those of what it learned from, are replayed only as far as others stand for them"
                );
            }
        }
    }
    // Beyond a gap: what was named still tells how files of that time were coded.
    named.sort_by_key(|file| std::cmp::Reverse(file.metadata.lineage.generation));
    found.extend(named);
    Ok(found)
}

fn default_model() -> Result<ModelFile> {
    ModelFile::from_bytes(DEFAULT).map_err(|e| TrainError::Model(format!("the default model: {e}")))
}

/// What a model file says about itself; none for a file that is no model.
fn metadata(path: &Path) -> Option<Metadata> {
    use io::Read;
    let mut file = fs::File::open(path).ok()?;
    let mut start = Vec::new();
    (&mut file).take(8).read_to_end(&mut start).ok()?;
    let needed = Metadata::bytes_needed(&start).ok()?;
    file.take(needed.saturating_sub(start.len()) as u64).read_to_end(&mut start).ok()?;
    Metadata::from_file_start(&start).ok()
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

//! Models, and which of them decode.
//!
//! As with the command, files are decoded by the default model and those of the model store, by the newest
//! of a lineage.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use heirloom::Decoder;
use heirloom_format::container::Header;
use heirloom_store::{ModelRef, Store, StoredModel};
use pyo3::prelude::*;

use crate::errors::{self, Result};
use crate::info::Info;
use crate::input::Input;
use crate::pool::Pool;

/// One generation of a lineage, ready to encode and decode.
#[pyclass(frozen, module = "heirloom")]
#[derive(Clone)]
pub struct Model {
    pub inner: heirloom::Model,
    name: String,
    path: Option<PathBuf>,
}

/// A model of the store, read when it is first used.
struct Entry {
    stored: StoredModel,
    model: Mutex<Option<heirloom::Model>>,
}

/// The models of the store's folder; `None` until they are first asked for.
static FOLDER: Mutex<Option<Arc<Vec<Entry>>>> = Mutex::new(None);

impl Entry {
    fn model(&self, pool: &Pool) -> Result<heirloom::Model> {
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        match &*model {
            Some(model) => Ok(model.clone()),
            None => Ok(model.insert(load(&self.stored, pool)?).clone()),
        }
    }
}

/// Reads all of a model, in the pool. Python's lock is held meanwhile; see there.
fn load(stored: &StoredModel, pool: &Pool) -> Result<heirloom::Model> {
    if stored.path().is_none() {
        return embedded(pool);
    }
    let bytes = stored.read().map_err(|e| errors::store(&e))?;
    Ok(pool.run_now(|| heirloom::Model::from_bytes(&bytes))?)
}

/// Lists the store's folder anew.
fn list() -> Result<Arc<Vec<Entry>>> {
    let store = Store::open(None).map_err(|e| errors::store(&e))?;
    let of_folder = store.models.into_iter().filter(|model| model.path().is_some());
    Ok(Arc::new(of_folder.map(|stored| Entry { stored, model: Mutex::new(None) }).collect()))
}

fn folder() -> Result<Arc<Vec<Entry>>> {
    let mut folder = FOLDER.lock().unwrap_or_else(PoisonError::into_inner);
    match &*folder {
        Some(entries) => Ok(entries.clone()),
        None => Ok(folder.insert(list()?).clone()),
    }
}

/// The default model.
///
/// It is unpacked under Python's lock: a process that forks meanwhile would leave its child with a model
/// that nobody finishes.
pub fn embedded(pool: &Pool) -> Result<heirloom::Model> {
    static MODEL: Mutex<Option<heirloom::Model>> = Mutex::new(None);
    let mut model = MODEL.lock().unwrap_or_else(PoisonError::into_inner);
    match &*model {
        // Without the pool, which may be busy.
        Some(model) => Ok(model.clone()),
        None => Ok(model.insert(pool.run_now(heirloom::Model::embedded)?).clone()),
    }
}

/// A decoder with the default model, and those of the store that decode files with this header.
pub fn decoder(header: &Header, pool: &Pool) -> Result<Decoder> {
    embedded(pool)?;
    let mut decoder = Decoder::new();
    for entry in folder()?.iter().filter(|entry| entry.stored.lineage().reads(header)) {
        decoder = decoder.model(entry.model(pool)?);
    }
    Ok(decoder)
}

#[pymethods]
impl Model {
    /// Reads a model: the bytes of a model file, its path, "default" for the model in this package, or 8 or
    /// more digits of the generation id of a model in the store.
    #[new]
    fn new(py: Python<'_>, source: Input) -> Result<Self> {
        let pool = Pool::get(py)?;
        let reference = match &source {
            Input::Bytes(bytes) => {
                let inner = pool.run_now(|| heirloom::Model::from_bytes(bytes))?;
                return Ok(Self { inner, name: "model in memory".into(), path: None });
            }
            Input::Path(path) => ModelRef::from(path.as_path()),
        };
        let stored = match &reference {
            ModelRef::Default => StoredModel::embedded(),
            ModelRef::File(path) => {
                // Python's own exception for files that are not there.
                source.open()?;
                StoredModel::open(path)
            }
            ModelRef::Id(_) => Store::open(None).and_then(|store| store.find(&reference)),
        };
        let stored = stored.map_err(|e| errors::store(&e))?;
        Ok(Self { inner: load(&stored, &pool)?, name: stored.name(), path: stored.path().map(Into::into) })
    }

    /// What it is called in messages: its path, or "default (in this program)".
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// Path of its file, None for a model that is not on disk.
    #[getter]
    fn path(&self) -> Option<PathBuf> {
        self.path.clone()
    }

    /// Number of the generation: 0 after pre-training, one more with every learning.
    #[getter]
    fn generation(&self) -> u32 {
        self.inner.generation()
    }

    /// Hash of the whole model: 64 hexadecimal digits.
    #[getter]
    fn generation_id(&self) -> String {
        heirloom_store::hex(&self.inner.generation_id())
    }

    /// Hash of the part that all generations of its lineage share: 64 hexadecimal digits.
    #[getter]
    fn entropy_id(&self) -> String {
        heirloom_store::hex(&self.inner.entropy_id())
    }

    /// The lowest and highest λ that it encodes with: those of the qualities 0 and 100.
    #[getter]
    fn lambda_range(&self) -> (f32, f32) {
        let range = self.inner.lambda_range();
        (*range.start(), *range.end())
    }

    /// Whether this is a preview, whose files may become undecodable in a later release.
    #[getter]
    fn is_preview(&self) -> bool {
        self.inner.is_preview()
    }

    /// Whether it decodes a file: whether it is of the file's lineage.
    fn decodes(&self, info: &Info) -> bool {
        self.inner.decodes(&info.inner)
    }

    /// Whether it wrote a file, so that exact decoding is possible with it.
    fn wrote(&self, info: &Info) -> bool {
        self.inner.wrote(&info.inner)
    }

    fn __repr__(&self) -> String {
        format!("<heirloom.Model {}: generation {} ({:.16}…)>", self.name, self.generation(), self.generation_id())
    }
}

/// The models that decode: the one in this package, then those of the model store, which is read anew. Files
/// of the store that are not models are left out.
#[pyfunction]
pub fn models(py: Python<'_>) -> Result<Vec<Model>> {
    let pool = Pool::get(py)?;
    let entries = list()?;
    *FOLDER.lock().unwrap_or_else(PoisonError::into_inner) = Some(entries.clone());
    let embedded = StoredModel::embedded().map_err(|e| errors::store(&e))?;
    let named = |stored: &StoredModel, inner| Model { inner, name: stored.name(), path: stored.path().map(Into::into) };
    let mut models = vec![named(&embedded, load(&embedded, &pool)?)];
    for entry in entries.iter() {
        models.push(named(&entry.stored, entry.model(&pool)?));
    }
    Ok(models)
}

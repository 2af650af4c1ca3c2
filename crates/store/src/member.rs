//! One model at hand: what it says about itself, and, once it is asked for, its networks.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use heirloom_codec::Model;
use heirloom_codec::model::{Lineage, Metadata, ModelError, ModelFile};

use crate::StoreError;

/// Where a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Program,
    File(PathBuf),
}

/// A model at hand. Its metadata are what the file says; they are checked against the weights when these are read.
#[derive(Debug)]
pub struct Member {
    source: Source,
    metadata: Metadata,
    bytes: u64,
    model: OnceLock<Result<Model, StoreError>>,
}

impl Member {
    /// The model in the program.
    ///
    /// # Errors
    /// A program that was built around something else than a model.
    pub fn embedded() -> Result<Self, StoreError> {
        let refused = |source| StoreError::Model { name: "the model in this program".into(), source };
        let metadata = Metadata::from_file_start(heirloom_default_model::bytes()).map_err(refused)?;
        Ok(Self {
            source: Source::Program,
            metadata,
            bytes: heirloom_default_model::bytes().len() as u64,
            model: OnceLock::new(),
        })
    }

    /// The model in a file, of which only the metadata are read.
    ///
    /// # Errors
    /// A file that cannot be read, or does not begin as a model file does.
    pub fn of_file(path: &Path) -> Result<Self, StoreError> {
        let disk = |source| unreadable(path, source);
        let refused = |source| StoreError::Model { name: path.display().to_string(), source };
        let mut file = File::open(path).map_err(disk)?;
        let bytes = file.metadata().map_err(disk)?.len();
        let mut start = Vec::new();
        (&mut file).take(8).read_to_end(&mut start).map_err(disk)?;
        let needed = Metadata::bytes_needed(&start).map_err(refused)?;
        file.take((needed - start.len()) as u64).read_to_end(&mut start).map_err(disk)?;
        let metadata = Metadata::from_file_start(&start).map_err(refused)?;
        Ok(Self { source: Source::File(path.to_owned()), metadata, bytes, model: OnceLock::new() })
    }

    /// What to call it.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.source {
            Source::Program => "default (in this program)".into(),
            Source::File(path) => path.display().to_string(),
        }
    }

    /// The file it is in; none for the model in this program.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.source {
            Source::Program => None,
            Source::File(path) => Some(path),
        }
    }

    /// Size of its file, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What it says about itself.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Its place in its lineage.
    #[must_use]
    pub fn lineage(&self) -> &Lineage {
        &self.metadata.lineage
    }

    /// `generation 1 (0123456789abcdef…)`
    #[must_use]
    pub fn generation(&self) -> String {
        let lineage = self.lineage();
        format!("generation {} ({:.16}…)", lineage.generation, lineage.generation_id.to_string())
    }

    /// The bytes of its file, unchecked.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(&self) -> Result<Cow<'static, [u8]>, StoreError> {
        match &self.source {
            Source::Program => Ok(heirloom_default_model::bytes().into()),
            Source::File(path) => fs::read(path).map(Into::into).map_err(|e| unreadable(path, e)),
        }
    }

    /// All of its file, checked.
    ///
    /// # Errors
    /// A file that cannot be read, or is no sound model.
    pub fn load(&self) -> Result<ModelFile, StoreError> {
        ModelFile::from_bytes(&self.read()?).map_err(|e| self.refused(e))
    }

    /// The networks, ready to work; built on the first call. The ids of the model in the program are taken at its word: hashing
    /// it takes a third of the time to start, and a test has checked it.
    ///
    /// # Errors
    /// As [`Self::load`], and a model that is too large.
    pub fn model(&self) -> Result<&Model, StoreError> {
        let build = || {
            let file = match &self.source {
                Source::Program => {
                    ModelFile::from_bytes_without_ids(heirloom_default_model::bytes()).map_err(|e| self.refused(e))
                }
                Source::File(_) => self.load(),
            };
            Model::new(file?).map_err(|e| self.refused(e))
        };
        self.model.get_or_init(build).as_ref().map_err(Clone::clone)
    }

    fn refused(&self, source: ModelError) -> StoreError {
        StoreError::Model { name: self.name(), source }
    }
}

fn unreadable(path: &Path, source: io::Error) -> StoreError {
    StoreError::File { path: path.to_owned(), source: Arc::new(source) }
}

//! One model: what its file says about it, and its network once that is asked for.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use heirloom_codec::Model;
use heirloom_codec::model::{Lineage, Metadata, ModelError, ModelFile};

use crate::StoreError;

/// Location of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Program,
    File(PathBuf),
}

/// A model in a file or in this program.
///
/// The metadata are what the file says. They are checked against the weights when these are read.
#[derive(Debug)]
pub struct StoredModel {
    source: Source,
    metadata: Metadata,
    bytes: u64,
    model: OnceLock<Result<Model, StoreError>>,
    /// The same without its encoder.
    decoder: OnceLock<Result<Model, StoreError>>,
}

impl StoredModel {
    /// The default model, which is part of this program.
    ///
    /// # Errors
    /// A program that was built with something other than a model in its place.
    pub fn embedded() -> Result<Self, StoreError> {
        let refused = |source| StoreError::Model { name: "the model in this program".into(), source };
        let metadata = Metadata::from_file_start(heirloom_default_model::bytes()).map_err(refused)?;
        Ok(Self {
            source: Source::Program,
            metadata,
            bytes: heirloom_default_model::bytes().len() as u64,
            model: OnceLock::new(),
            decoder: OnceLock::new(),
        })
    }

    /// Opens a model file and reads its metadata only.
    ///
    /// # Errors
    /// A file that cannot be read, or does not begin like a model file.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let disk = |source| unreadable(path, source);
        let refused = |source| StoreError::Model { name: path.display().to_string(), source };
        let mut file = File::open(path).map_err(disk)?;
        let bytes = file.metadata().map_err(disk)?.len();
        let mut start = Vec::new();
        (&mut file).take(8).read_to_end(&mut start).map_err(disk)?;
        let needed = Metadata::bytes_needed(&start).map_err(refused)?;
        file.take((needed - start.len()) as u64).read_to_end(&mut start).map_err(disk)?;
        let metadata = Metadata::from_file_start(&start).map_err(refused)?;
        let (model, decoder) = (OnceLock::new(), OnceLock::new());
        Ok(Self { source: Source::File(path.to_owned()), metadata, bytes, model, decoder })
    }

    /// Name for messages: the path of its file, or `default (in this program)`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.source {
            Source::Program => "default (in this program)".into(),
            Source::File(path) => path.display().to_string(),
        }
    }

    /// Path of its file; `None` for the default model.
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

    /// What its file says about it.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Its ids and its place in its lineage.
    #[must_use]
    pub fn lineage(&self) -> &Lineage {
        &self.metadata.lineage
    }

    /// Its generation in words: `generation 1 (0123456789abcdef…)`.
    #[must_use]
    pub fn generation(&self) -> String {
        let lineage = self.lineage();
        format!("generation {} ({:.16}…)", lineage.generation, lineage.generation_id.to_string())
    }

    /// Reads the bytes of its file without checking them.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(&self) -> Result<Cow<'static, [u8]>, StoreError> {
        match &self.source {
            Source::Program => Ok(heirloom_default_model::bytes().into()),
            Source::File(path) => fs::read(path).map(Into::into).map_err(|e| unreadable(path, e)),
        }
    }

    /// Reads all of its file and checks the weights against the ids.
    ///
    /// # Errors
    /// A file that cannot be read, or is not a valid model.
    pub fn load(&self) -> Result<ModelFile, StoreError> {
        ModelFile::from_bytes(&self.read()?).map_err(|e| self.refused(e))
    }

    /// The network as far as decoding needs it, built on the first call: of the default model the encoder
    /// is not read.
    ///
    /// # Errors
    /// See [`Self::model`].
    pub fn decoder(&self) -> Result<&Model, StoreError> {
        if self.model.get().is_some() || !matches!(self.source, Source::Program) {
            return self.model();
        }
        let build = || {
            ModelFile::decoder_from_bytes_without_ids(heirloom_default_model::bytes())
                .and_then(Model::new)
                .map_err(|e| self.refused(e))
        };
        self.decoder.get_or_init(build).as_ref().map_err(Clone::clone)
    }

    /// The network, built on the first call.
    ///
    /// The ids of the default model are not checked here: hashing its weights would take a third of
    /// the time that the program needs to start, and a test checks them.
    ///
    /// # Errors
    /// Fails as [`Self::load`] does, or if the model is too large.
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

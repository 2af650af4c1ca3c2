//! One model at hand: what it says about itself, and, once it is asked for, its networks.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use heirloom_codec::Model;
use heirloom_codec::container::Header;
use heirloom_codec::model::{Metadata, ModelError, ModelFile};

use crate::failure::Failure;

/// The default model.
const EMBEDDED: &[u8] = include_bytes!(env!("HEIRLOOM_DEFAULT_MODEL_PATH"));

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
    model: OnceLock<Result<Model, Failure>>,
}

impl Member {
    /// The model in this program.
    pub fn embedded() -> Result<Self, Failure> {
        let metadata = Metadata::from_file_start(EMBEDDED).map_err(|e| refusal(&e).of("the model in this program"))?;
        Ok(Self { source: Source::Program, metadata, bytes: EMBEDDED.len() as u64, model: OnceLock::new() })
    }

    /// The model in a file, of which only the metadata are read.
    pub fn of_file(path: &Path) -> Result<Self, Failure> {
        let of = |failure: Failure| failure.of(path.display());
        let disk = |e: io::Error| of(Failure::failed(e.to_string()));
        let mut file = File::open(path).map_err(disk)?;
        let bytes = file.metadata().map_err(disk)?.len();
        let mut start = Vec::new();
        (&mut file).take(8).read_to_end(&mut start).map_err(disk)?;
        let needed = Metadata::bytes_needed(&start).map_err(|e| of(refusal(&e)))?;
        file.take((needed - start.len()) as u64).read_to_end(&mut start).map_err(disk)?;
        let metadata = Metadata::from_file_start(&start).map_err(|e| of(refusal(&e)))?;
        Ok(Self { source: Source::File(path.to_owned()), metadata, bytes, model: OnceLock::new() })
    }

    /// What to call it.
    pub fn name(&self) -> String {
        match &self.source {
            Source::Program => "default (in this program)".into(),
            Source::File(path) => path.display().to_string(),
        }
    }

    /// The file it is in; none for the model in this program.
    pub fn path(&self) -> Option<&Path> {
        match &self.source {
            Source::Program => None,
            Source::File(path) => Some(path),
        }
    }

    /// Size of its file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What it says about itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// `generation 1 (0123456789abcdef…)`
    pub fn generation(&self) -> String {
        let lineage = &self.metadata.lineage;
        format!("generation {} ({:.16}…)", lineage.generation, lineage.generation_id.to_string())
    }

    /// Whether it is of the lineage of files with this header.
    pub fn reads(&self, header: &Header) -> bool {
        self.metadata.lineage.reads(header)
    }

    /// Whether it wrote files with this header.
    pub fn wrote(&self, header: &Header) -> bool {
        self.metadata.lineage.wrote(header)
    }

    /// The bytes of its file.
    pub fn read(&self) -> Result<Cow<'static, [u8]>, Failure> {
        match &self.source {
            Source::Program => Ok(EMBEDDED.into()),
            Source::File(path) => {
                fs::read(path).map(Into::into).map_err(|e| Failure::failed(e.to_string()).of(path.display()))
            }
        }
    }

    /// All of its file, checked.
    pub fn load(&self) -> Result<ModelFile, Failure> {
        ModelFile::from_bytes(&self.read()?).map_err(|e| refusal(&e).of(self.name()))
    }

    /// The networks, ready to work; built on the first call.
    pub fn model(&self) -> Result<&Model, Failure> {
        let build = || Model::new(self.load()?).map_err(|e| refusal(&e).of(self.name()));
        self.model.get_or_init(build).as_ref().map_err(Clone::clone)
    }
}

/// A model that is newer than this program is not supported; any other defect is damage.
pub fn refusal(error: &ModelError) -> Failure {
    match error {
        ModelError::Version { .. } | ModelError::TooLarge(_) => Failure::unsupported(error.to_string()),
        _ => Failure::damaged(error.to_string()),
    }
}

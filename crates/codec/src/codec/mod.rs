//! From images to files and back: the whole way through image, network, entropy coding and container.

mod decode;
mod encode;
mod error;
mod gaussian;
mod latents;
mod options;

pub use encode::EncodeReport;
pub use error::{DecodeError, EncodeError, Fault};
pub use latents::{LatentError, Latents};
pub use options::{DecodeOptions, EncodeOptions};

use crate::image::Image;
use crate::model::{EntropyId, Lineage, Metadata, ModelError, ModelFile};
use crate::network::Network;
use heirloom_format::container::Header;

/// A model ready for use: what its file says, and its networks packed for the kernels. Cheap to share between threads by
/// reference.
#[derive(Debug)]
pub struct Model {
    metadata: Metadata,
    network: Network,
}

/// What could be made of a damaged or shortened file.
#[derive(Clone, Debug)]
pub struct Partial {
    /// The image, with as much detail as there was.
    pub image: Image,
    /// How many of the four latents were whole. With none, the image is what the model expects of any image.
    pub latents: usize,
    /// What is wrong with the file; `None` for a whole one.
    pub problem: Option<DecodeError>,
}

impl Model {
    /// Reads a model file and packs its weights.
    ///
    /// # Errors
    /// As [`ModelFile::from_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        Self::new(ModelFile::from_bytes(bytes)?)
    }

    /// Packs the weights of a model.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn new(file: ModelFile) -> Result<Self, ModelError> {
        let ModelFile { metadata, weights } = file;
        let network = Network::new(&metadata.spec, weights)?;
        Ok(Self { metadata, network })
    }

    /// What the model file says: spec, λ ranges, lineage, provenance.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The networks, for tools that look at intermediate results.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// As [`Lineage::reads`].
    #[must_use]
    pub fn reads(&self, header: &Header) -> bool {
        self.metadata.lineage.reads(header)
    }

    /// As [`Lineage::wrote`].
    #[must_use]
    pub fn wrote(&self, header: &Header) -> bool {
        self.metadata.lineage.wrote(header)
    }
}

impl Lineage {
    /// Whether a model of this place parses files with this header: same lineage.
    #[must_use]
    pub fn reads(&self, header: &Header) -> bool {
        header.entropy_id == short_entropy_id(self.entropy_id)
    }

    /// Whether this very generation wrote files with this header, so that exact decoding gives the pixels of the day they
    /// were written.
    #[must_use]
    pub fn wrote(&self, header: &Header) -> bool {
        self.reads(header)
            && header.generation == self.generation
            && self.generation_id.0.starts_with(&header.generation_id)
    }
}

/// The part of an entropy id that files carry.
fn short_entropy_id(id: EntropyId) -> [u8; 8] {
    let mut short = [0; 8];
    short.copy_from_slice(&id.0[..8]);
    short
}

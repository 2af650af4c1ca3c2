//! A model in memory.

#[cfg(feature = "effort")]
use crate::model::QuantisedWeights;
use crate::model::{Metadata, ModelError, ModelFile};
use crate::network::Network;
use heirloom_format::container::Header;

/// A model ready for use: its metadata, and its networks packed for the kernels. It can be shared
/// between threads by reference.
#[derive(Debug)]
pub struct Model {
    pub(super) metadata: Metadata,
    pub(super) network: Network,
    /// What the network was packed from, in models that encode.
    #[cfg(feature = "effort")]
    pub(super) weights: Option<QuantisedWeights>,
}

impl Model {
    /// Reads a model file and packs its weights.
    ///
    /// # Errors
    /// See [`ModelFile::from_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        Self::new(ModelFile::from_bytes(bytes)?)
    }

    /// Packs the weights of a model.
    ///
    /// # Errors
    /// An invalid spec or λ range, or weights that do not fit the spec.
    pub fn new(file: ModelFile) -> Result<Self, ModelError> {
        let ModelFile { metadata, weights } = file;
        let network = Network::new(&metadata.spec, &metadata.lambda, &weights)?;
        Ok(Self {
            #[cfg(feature = "effort")]
            weights: network.encoder.is_some().then_some(weights),
            metadata,
            network,
        })
    }

    /// A model of a network that was built already.
    pub(super) fn of_network(metadata: Metadata, network: Network) -> Self {
        Self {
            metadata,
            network,
            #[cfg(feature = "effort")]
            weights: None,
        }
    }

    /// The metadata of the model file: spec, λ ranges, lineage, provenance.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The networks, for tools that look at intermediate results.
    #[doc(hidden)]
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Whether this model decodes files with this header; see
    /// [`Lineage::reads`](crate::model::Lineage::reads).
    #[must_use]
    pub fn reads(&self, header: &Header) -> bool {
        self.metadata.lineage.reads(header)
    }

    /// Whether this model wrote files with this header; see
    /// [`Lineage::wrote`](crate::model::Lineage::wrote).
    #[must_use]
    pub fn wrote(&self, header: &Header) -> bool {
        self.metadata.lineage.wrote(header)
    }
}

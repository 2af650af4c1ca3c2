//! Models: one generation of a lineage each.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::{Info, Result};

/// A model, ready to encode and decode. Clones share the weights.
#[derive(Clone)]
pub struct Model(Arc<heirloom_codec::Model>);

impl Model {
    /// Reads a model file and checks all of it: names, shapes and values of tensors, and both ids.
    ///
    /// # Errors
    /// An [`ErrorKind::BadModel`](crate::ErrorKind::BadModel) for bytes that are not a sound model,
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for a newer version of the format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(Self(Arc::new(heirloom_codec::Model::from_bytes(bytes)?)))
    }

    /// The default model, which is embedded in this crate. It is unpacked on the first call.
    ///
    /// # Errors
    /// A crate that was built with a model that this version cannot use.
    #[cfg(feature = "default-model")]
    pub fn embedded() -> Result<Self> {
        static MODEL: std::sync::OnceLock<Result<Model>> = std::sync::OnceLock::new();
        MODEL.get_or_init(unpack).clone()
    }

    /// Number of the generation: 0 after pre-training, one more with every learning.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.0.metadata().lineage.generation
    }

    /// Hash of the whole model.
    #[must_use]
    pub fn generation_id(&self) -> [u8; 32] {
        self.0.metadata().lineage.generation_id.0
    }

    /// Hash of the part of the model that all generations of its lineage share.
    #[must_use]
    pub fn entropy_id(&self) -> [u8; 32] {
        self.0.metadata().lineage.entropy_id.0
    }

    /// The values of λ that this model encodes with. Quality 0 is the lowest, 100 the highest.
    #[must_use]
    pub fn lambda_range(&self) -> RangeInclusive<f32> {
        let range = self.0.metadata().lambda.encoder;
        range.low..=range.high
    }

    /// Whether this is a preview, whose files may become undecodable in a later release.
    #[must_use]
    pub fn is_preview(&self) -> bool {
        self.0.metadata().preview
    }

    /// Whether this model decodes a file: whether it is of the file's lineage.
    #[must_use]
    pub fn decodes(&self, info: &Info) -> bool {
        self.0.reads(&info.header())
    }

    /// Whether this model wrote a file, so that [`Decoder::exact`](crate::Decoder::exact) is
    /// possible with it.
    #[must_use]
    pub fn wrote(&self, info: &Info) -> bool {
        self.0.wrote(&info.header())
    }

    pub(crate) fn codec(&self) -> &heirloom_codec::Model {
        &self.0
    }
}

#[cfg(not(feature = "default-model"))]
impl Model {
    /// There is no embedded model; nothing that asks for one can be made without the feature.
    pub(crate) fn embedded() -> Result<Self> {
        Err(crate::Error::new(
            crate::ErrorKind::UnknownModel,
            "this program was built without the default model; give a model",
        ))
    }
}

/// Hashing the embedded model would take a third of the time to unpack it; a test has checked it.
#[cfg(feature = "default-model")]
fn unpack() -> Result<Model> {
    use heirloom_codec::model::ModelFile;

    let file = ModelFile::from_bytes_without_ids(heirloom_default_model::bytes())?;
    Ok(Model(Arc::new(heirloom_codec::Model::new(file)?)))
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("lineage", &self.0.metadata().lineage).finish_non_exhaustive()
    }
}

//! File to image.

use heirloom_codec::DecodeOptions;
use heirloom_format::container::{Header, parse_header};

use crate::{Error, ErrorKind, Image, Model, Result};

/// Decodes files with any number of models and one set of options.
///
/// Of several models that can decode a file, the one of the highest generation is used, or, for
/// [exact](Self::exact) decoding, the one that wrote the file.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// Whether the embedded model is used besides `models`.
    embedded: bool,
    models: Vec<Model>,
    exact: bool,
    options: DecodeOptions,
}

/// The image that could be made of a damaged or shortened file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Partial {
    /// The image, with as much detail as there was.
    pub image: Image,
    /// How many of the four latents were whole, from the coarsest on. With none, the image is what
    /// the model expects of any image.
    pub latents: usize,
    /// What is wrong with the file; `None` for a whole file.
    pub problem: Option<Error>,
}

impl Decoder {
    /// A decoder with the default model and default options.
    #[cfg(feature = "default-model")]
    #[must_use]
    pub fn new() -> Self {
        Self { embedded: true, models: Vec::new(), exact: false, options: DecodeOptions::default() }
    }

    /// A decoder with the given model alone and default options.
    #[must_use]
    pub fn with_model(model: Model) -> Self {
        Self { embedded: false, models: vec![model], exact: false, options: DecodeOptions::default() }
    }

    /// Adds a model, for files of another lineage or for exact decoding of another generation's
    /// files.
    #[must_use]
    pub fn model(mut self, model: Model) -> Self {
        self.models.push(model);
        self
    }

    /// Asks for the exact pixels that the file had when it was written. This needs the generation
    /// that wrote the file.
    #[must_use]
    pub fn exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }

    /// Sets how many bytes of feature maps may be allocated. A larger image is refused before
    /// memory is allocated. The default is 8 GiB, enough for about 100 megapixels.
    #[must_use]
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.options.max_memory = bytes;
        self
    }

    /// Sets the most pixels, with both sides rounded up to multiples of 64, that a file may have.
    /// The default is 2^28.
    #[must_use]
    pub fn max_pixels(mut self, pixels: u64) -> Self {
        self.options.limits.max_pixels = pixels;
        self
    }

    /// Sets the most bytes of ICC profile, Exif and XMP together that a file may have. The default
    /// is 64 MiB.
    #[must_use]
    pub fn max_metadata_bytes(mut self, bytes: u64) -> Self {
        self.options.limits.max_metadata_bytes = bytes;
        self
    }

    /// Decodes a file.
    ///
    /// # Errors
    /// Bytes that are not a Heirloom file ([`ErrorKind::NotHeirloom`]), one that is damaged, cut
    /// short, or of a newer version; one whose model was not given ([`ErrorKind::UnknownModel`]);
    /// one that is larger than the limits ([`ErrorKind::OverLimit`]).
    pub fn decode(&self, bytes: &[u8]) -> Result<Image> {
        Ok(self.choose(bytes)?.codec().decode(bytes, &self.options)?)
    }

    /// Decodes what is whole of a file that is damaged or cut short behind its header. Detail that
    /// is missing is replaced by what the model expects.
    ///
    /// # Errors
    /// See [`Self::decode`], for the header.
    pub fn decode_partial(&self, bytes: &[u8]) -> Result<Partial> {
        let partial = self.choose(bytes)?.codec().decode_partial(bytes, &self.options)?;
        let problem = partial.problem.map(Error::from);
        Ok(Partial { image: partial.image, latents: partial.latents, problem })
    }

    /// The model that decodes a file.
    fn choose(&self, bytes: &[u8]) -> Result<Model> {
        let (header, _) = parse_header(bytes, &self.options.limits)?;
        let embedded = if self.embedded { Some(Model::embedded()?) } else { None };
        let models = || self.models.iter().chain(&embedded).filter(|model| model.codec().reads(&header));
        let found = if self.exact {
            models().find(|model| model.codec().wrote(&header))
        } else {
            models().max_by_key(|model| (model.generation(), model.generation_id()))
        };
        found.cloned().ok_or_else(|| unknown(&header, models().next().is_some()))
    }
}

#[cfg(feature = "default-model")]
impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

fn unknown(header: &Header, has_lineage: bool) -> Error {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let message = if has_lineage {
        format!(
            "exact decoding needs generation {} ({}…), which wrote the file; add that model with `Decoder::model`, or \
             decode without `exact`",
            header.generation,
            hex(&header.generation_id)
        )
    } else {
        format!(
            "the file needs a model of the lineage with the entropy id {}… (generation {} wrote it); add one with \
             `Decoder::model`",
            hex(&header.entropy_id),
            header.generation
        )
    };
    Error::new(ErrorKind::UnknownModel, message)
}

//! Image to file.

use heirloom_codec::model::LambdaRange;

use crate::{Error, ErrorKind, Image, Model, Result};

/// The quality used where none is given.
pub const DEFAULT_QUALITY: f32 = 50.0;

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EncodeOptions {
    rate: Rate,
    max_memory: Option<u64>,
}

/// How large and how good the file becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rate {
    Quality(f32),
    Lambda(f32),
}

impl Rate {
    fn lambda(self, range: LambdaRange) -> Result<f32> {
        match self {
            Self::Quality(quality) if (0.0..=100.0).contains(&quality) => Ok(range.at_quality(quality)),
            Self::Quality(quality) => Err(Error::new(
                ErrorKind::BadParameter,
                format!("quality {quality} is out of range; choose a quality from 0 to 100"),
            )),
            Self::Lambda(lambda) => Ok(range.check(lambda)?),
        }
    }
}

impl EncodeOptions {
    /// Options for a quality from 0 (smallest file) to 100 (best image). The scale is logarithmic
    /// in λ over the model's range: λ = low · (high / low)^(quality / 100).
    #[must_use]
    pub fn quality(quality: f32) -> Self {
        Self { rate: Rate::Quality(quality), max_memory: None }
    }

    /// Options for a rate-distortion multiplier λ in the model's range. The file minimises bits per
    /// pixel + λ · mean squared error of samples in [-1, 1].
    #[must_use]
    pub fn lambda(lambda: f32) -> Self {
        Self { rate: Rate::Lambda(lambda), max_memory: None }
    }

    /// Sets how many bytes of feature maps may be allocated. A larger image is refused before
    /// memory is allocated. The default is 8 GiB, enough for about 100 megapixels.
    #[must_use]
    pub fn with_max_memory(mut self, bytes: u64) -> Self {
        self.max_memory = Some(bytes);
        self
    }
}

impl Default for EncodeOptions {
    /// Options for [`DEFAULT_QUALITY`].
    fn default() -> Self {
        Self::quality(DEFAULT_QUALITY)
    }
}

/// Encodes images with one model and one set of options.
#[derive(Clone, Debug)]
pub struct Encoder {
    /// `None` for the embedded model.
    model: Option<Model>,
    options: EncodeOptions,
}

impl Encoder {
    /// An encoder with the default model and default options.
    #[cfg(feature = "default-model")]
    #[must_use]
    pub fn new() -> Self {
        Self { model: None, options: EncodeOptions::default() }
    }

    /// An encoder with the given model and default options.
    #[must_use]
    pub fn with_model(model: Model) -> Self {
        Self { model: Some(model), options: EncodeOptions::default() }
    }

    /// Replaces all options.
    #[must_use]
    pub fn options(mut self, options: EncodeOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the quality; see [`EncodeOptions::quality`].
    #[must_use]
    pub fn quality(mut self, quality: f32) -> Self {
        self.options.rate = Rate::Quality(quality);
        self
    }

    /// Sets λ instead of a quality; see [`EncodeOptions::lambda`].
    #[must_use]
    pub fn lambda(mut self, lambda: f32) -> Self {
        self.options.rate = Rate::Lambda(lambda);
        self
    }

    /// Sets how much memory may be used; see [`EncodeOptions::with_max_memory`].
    #[must_use]
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.options.max_memory = Some(bytes);
        self
    }

    /// Encodes an image. The same image, model and options give the same bytes on every machine.
    ///
    /// # Errors
    /// [`ErrorKind::BadParameter`] for a quality or λ out of range, or a metadata blob of 4 GiB or
    /// more; [`ErrorKind::OverLimit`] for an image that needs more memory than the options allow.
    pub fn encode(&self, image: &Image) -> Result<Vec<u8>> {
        let model = self.model.clone().map_or_else(Model::embedded, Ok)?;
        let lambda = self.options.rate.lambda(model.codec().metadata().lambda.encoder)?;
        let mut options = heirloom_codec::EncodeOptions::new(lambda);
        options.max_memory = self.options.max_memory.unwrap_or(options.max_memory);
        Ok(model.codec().encode(image, &options)?)
    }
}

#[cfg(feature = "default-model")]
impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

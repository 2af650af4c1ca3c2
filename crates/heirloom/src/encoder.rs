//! Image to file.

use std::io::Write;

use heirloom_codec::model::LambdaRange;
use heirloom_codec::{AddOns, Effort, EncodeSummary, Lossless, RowSource, Spool, Target};
use heirloom_format::container::Metadata;

use crate::{Error, ErrorKind, Image, Model, Result};

/// The quality used where none is given.
pub const DEFAULT_QUALITY: f32 = 50.0;

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EncodeOptions {
    rate: Rate,
    lossless: Lossless,
    effort: u8,
    add_ons: AddOns,
    keep_hidden_colour: bool,
    max_memory: Option<u64>,
}

/// How large and how good the file becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rate {
    Quality(f32),
    Lambda(f32),
    /// Bytes of the file.
    Size(u64),
    BitsPerPixel(f64),
    Psnr(f64),
}

impl Rate {
    /// λ, or the middle of the range where it is searched.
    fn lambda(self, range: LambdaRange) -> Result<f32> {
        match self {
            Self::Size(_) | Self::BitsPerPixel(_) | Self::Psnr(_) => Ok(range.at_quality(50.0)),
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
        Self::of(Rate::Quality(quality))
    }

    /// Options for a rate-distortion multiplier λ in the model's range. The file minimises bits per
    /// pixel + λ · mean squared error of samples in [-1, 1].
    #[must_use]
    pub fn lambda(lambda: f32) -> Self {
        Self::of(Rate::Lambda(lambda))
    }

    /// Options for a file of at most `bytes` bytes, metadata included: the best image within it. λ is
    /// searched, which takes two to three times as long.
    ///
    /// ```
    /// # #[cfg(feature = "default-model")] {
    /// # use heirloom::{EncodeOptions, Image, PixelFormat};
    /// # let pixels = (0..150 * 100 * 3).map(|i: u32| (i / 3 % 150 + i / 450) as u8).collect();
    /// # let image = Image::new(150, 100, PixelFormat::Rgb8, pixels)?;
    /// let bytes = heirloom::encode(&image, &EncodeOptions::target_size(3000))?;
    /// assert!(bytes.len() <= 3000);
    /// # }
    /// # Ok::<(), heirloom::Error>(())
    /// ```
    #[must_use]
    pub fn target_size(bytes: u64) -> Self {
        Self::of(Rate::Size(bytes))
    }

    /// Options for a file of at most this many bits for each pixel; see [`Self::target_size`].
    #[must_use]
    pub fn target_bits_per_pixel(bits: f64) -> Self {
        Self::of(Rate::BitsPerPixel(bits))
    }

    /// Options for a peak signal-to-noise ratio of at least this many dB; see [`Self::target_size`].
    #[must_use]
    pub fn target_psnr(psnr: f64) -> Self {
        Self::of(Rate::Psnr(psnr))
    }

    /// Options for an image without any loss. The file needs no model to be decoded.
    #[must_use]
    pub fn lossless() -> Self {
        Self::default().with_lossless(Lossless::Always).with_hidden_colour(true)
    }

    fn of(rate: Rate) -> Self {
        Self {
            rate,
            lossless: Lossless::default(),
            effort: 1,
            add_ons: AddOns::default(),
            keep_hidden_colour: false,
            max_memory: None,
        }
    }

    /// Sets when a tile of the image is stored without loss. The default is wherever the network
    /// serves it worse, as in most screenshots and drawings.
    #[must_use]
    pub fn with_lossless(mut self, lossless: Lossless) -> Self {
        self.lossless = lossless;
        self
    }

    /// Sets how much time to spend on a smaller or better file, from 1, the default, to 9: 5 takes over a
    /// minute for a megapixel on two cores, and each step about 1.7 times as long. The file is never
    /// worse at its λ, is decoded as fast, and by the same models. Needs the feature `effort`, which is
    /// on by default.
    #[must_use]
    pub fn with_effort(mut self, effort: u8) -> Self {
        self.effort = effort;
        self
    }

    /// Sets which probabilities code the file if the model has add-ons to its lineage's: by default the
    /// newest, which generations before it cannot decode. Has no effect with other models.
    #[must_use]
    pub fn with_add_ons(mut self, add_ons: AddOns) -> Self {
        self.add_ons = add_ons;
        self
    }

    /// Sets whether the colour beneath wholly transparent pixels is kept. By default it is replaced
    /// by what costs least, since nobody sees it.
    #[must_use]
    pub fn with_hidden_colour(mut self, keep: bool) -> Self {
        self.keep_hidden_colour = keep;
        self
    }

    /// Sets how many bytes of memory a call may take, besides the image and the file. An image that
    /// needs more is refused before memory is allocated; with more memory, more tiles of a large image
    /// are encoded at the same time. The default is 2 GiB.
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

    /// Sets when tiles are stored without loss; see [`EncodeOptions::with_lossless`].
    #[must_use]
    pub fn lossless(mut self, lossless: Lossless) -> Self {
        self.options.lossless = lossless;
        self
    }

    /// Sets the effort; see [`EncodeOptions::with_effort`].
    #[must_use]
    pub fn effort(mut self, effort: u8) -> Self {
        self.options.effort = effort;
        self
    }

    /// Sets which probabilities code the file; see [`EncodeOptions::with_add_ons`].
    #[must_use]
    pub fn add_ons(mut self, add_ons: AddOns) -> Self {
        self.options.add_ons = add_ons;
        self
    }

    /// Encodes an image. The same image, model and options give the same bytes on every machine, unless
    /// they ask for more effort than 1.
    ///
    /// # Errors
    /// [`ErrorKind::BadParameter`] for a quality, λ or effort out of range, a target that cannot be reached, or
    /// a metadata blob of 4 GiB or more; [`ErrorKind::OverLimit`] for an image that needs more memory
    /// than the options allow.
    pub fn encode(&self, image: &Image) -> Result<Vec<u8>> {
        let (model, options) = self.prepare()?;
        let target = match self.options.rate {
            Rate::Size(bytes) => Target::Bytes(bytes),
            Rate::BitsPerPixel(bits) => Target::bits_per_pixel(bits, image),
            Rate::Psnr(psnr) => Target::Psnr(psnr),
            Rate::Quality(_) | Rate::Lambda(_) => return Ok(model.codec().encode(image, &options)?),
        };
        Ok(model.codec().encode_to(image, target, &options)?.bytes)
    }

    /// Encodes an image whose rows come one after another, and writes its file. Memory for one row of
    /// tiles is enough, however high the image is.
    ///
    /// The `spool` keeps coded tiles until all are known: a temporary file, or a
    /// `Cursor<Vec<u8>>` in memory, as long as the file will be.
    ///
    /// # Errors
    /// See [`Self::encode`]; [`ErrorKind::Io`] for rows that cannot be read, and files that cannot be
    /// written. A target takes the whole image, so that it is a [`ErrorKind::BadParameter`] here.
    pub fn encode_rows(
        &self,
        rows: &mut dyn RowSource,
        metadata: &Metadata,
        spool: &mut dyn Spool,
        file: &mut dyn Write,
    ) -> Result<EncodeSummary> {
        if !matches!(self.options.rate, Rate::Quality(_) | Rate::Lambda(_)) {
            let message = "a target size or PSNR needs the whole image in memory; choose a quality";
            return Err(Error::new(ErrorKind::BadParameter, message));
        }
        let (model, options) = self.prepare()?;
        Ok(model.codec().encode_rows(rows, metadata, &options, spool, file)?)
    }

    fn prepare(&self) -> Result<(Model, heirloom_codec::EncodeOptions)> {
        let model = self.model.clone().map_or_else(Model::embedded, Ok)?;
        let lambda = self.options.rate.lambda(model.codec().metadata().lambda.encoder)?;
        let mut options = heirloom_codec::EncodeOptions::new(lambda).with_lossless(self.options.lossless);
        options.effort =
            Effort::new(self.options.effort).map_err(|error| Error::new(ErrorKind::BadParameter, error.to_string()))?;
        options.add_ons = self.options.add_ons;
        options.keep_hidden_colour = self.options.keep_hidden_colour;
        options.max_memory = self.options.max_memory.unwrap_or(options.max_memory);
        Ok((model, options))
    }
}

#[cfg(feature = "default-model")]
impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

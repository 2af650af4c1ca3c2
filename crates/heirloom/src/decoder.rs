//! File to image.

use heirloom_codec::{DecodeOptions, DecodeSummary, RowSink, Scale};
use heirloom_format::container::{Head, Header, Rect, Source};

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
    /// Number of tiles.
    pub tiles: u64,
    /// Number of tiles that are not whole.
    pub damaged_tiles: u64,
    /// How many of the four latents are whole in every tile, from the coarsest on. Where there is
    /// none, the image is grey.
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

    /// Decodes only a part of each image, of which only the tiles are read and decoded. A part that
    /// is empty or not within the image is an error.
    ///
    /// ```
    /// # #[cfg(feature = "default-model")] {
    /// use heirloom::{Decoder, Rect};
    /// # use heirloom::{EncodeOptions, Image, PixelFormat};
    /// # let image = Image::new(64, 48, PixelFormat::Rgb8, vec![90; 64 * 48 * 3])?;
    /// # let bytes = heirloom::encode(&image, &EncodeOptions::default())?;
    /// let part = Decoder::new().crop(Rect { x: 10, y: 20, width: 30, height: 20 }).decode(&bytes)?;
    /// assert_eq!((part.width(), part.height()), (30, 20));
    /// # }
    /// # Ok::<(), heirloom::Error>(())
    /// ```
    #[must_use]
    pub fn crop(mut self, part: Rect) -> Self {
        self.options.crop = Some(part);
        self
    }

    /// Decodes a smaller copy of each image, of which each pixel is the mean of a square. It needs less
    /// memory than the image.
    #[must_use]
    pub fn scale(mut self, scale: Scale) -> Self {
        self.options.scale = scale;
        self
    }

    /// Allows a blurred image at scales of an eighth or less, made of the latents z1 to z3 alone in a
    /// fraction of the time: 29 to 31 dB at an eighth, 32 to 35 dB at a sixteenth. Has no effect at larger scales.
    #[must_use]
    pub fn quick(mut self, quick: bool) -> Self {
        self.options.quick = quick;
        self
    }

    /// Sets how many bytes of memory a call may take, besides the file. An image that needs more is
    /// refused before memory is allocated; with more memory, more tiles of a large image are decoded
    /// at the same time. The default is 2 GiB.
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
        Ok(self.choose(&bytes)?.codec().decode(bytes, &self.options)?)
    }

    /// Decodes a file of which only what is needed is read: of a [crop](Self::crop), the index and
    /// its tiles.
    ///
    /// ```no_run
    /// # #[cfg(feature = "default-model")] {
    /// use heirloom::{Decoder, Rect, Seekable};
    ///
    /// let file = Seekable::new(std::fs::File::open("large.hlm")?)?;
    /// let part = Decoder::new().crop(Rect { x: 9000, y: 7000, width: 512, height: 512 }).decode_from(&file)?;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// See [`Self::decode`]; [`ErrorKind::Io`] for a file that cannot be read.
    pub fn decode_from(&self, source: &dyn Source) -> Result<Image> {
        Ok(self.choose(source)?.codec().decode_from(source, &self.options)?)
    }

    /// Decodes a file row by row. Memory for one row of tiles is enough, however high the image is.
    ///
    /// # Errors
    /// See [`Self::decode_from`]; [`ErrorKind::Io`] for rows that cannot be written.
    pub fn decode_rows(&self, source: &dyn Source, rows: &mut dyn RowSink) -> Result<DecodeSummary> {
        Ok(self.choose(source)?.codec().decode_rows(source, &self.options, rows)?)
    }

    /// Decodes what is whole of a file that is damaged or cut short behind its header. Detail that
    /// is missing is replaced by what the model expects.
    ///
    /// # Errors
    /// See [`Self::decode`], for the header.
    pub fn decode_partial(&self, bytes: &[u8]) -> Result<Partial> {
        let partial = self.choose(&bytes)?.codec().decode_partial(bytes, &self.options)?;
        let DecodeSummary { tiles, damaged_tiles, latents, problem, .. } = partial.summary;
        Ok(Partial { image: partial.image, tiles, damaged_tiles, latents, problem: problem.map(Error::from) })
    }

    /// The model that decodes a file.
    fn choose(&self, source: &dyn Source) -> Result<Model> {
        let header = Head::read(source, &self.options.limits)?.header;
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
            "the file needs a model with the entropy id {}… (generation {} wrote it); add one with `Decoder::model`",
            hex(&header.entropy_id),
            header.generation
        )
    };
    Error::new(ErrorKind::UnknownModel, message)
}

//! The codec as the verbs use it: its errors become failures with an exit status, and files find
//! their model.

use std::fs::File;
use std::io::Write;

use heirloom_codec::{
    AddOns, DecodeError, DecodeOptions, Effort, EncodeError, EncodeOptions, EncodeSummary, Fault, Image, Lossless,
    Model, ProgressCallback, RowSink, Scale, Spool, Target,
};
use heirloom_eval::EvalError;
use heirloom_format::container::{ContainerError, Head, Rect, Seekable, Source};
use heirloom_io::RowReader;
use heirloom_store::{GenerationSelector, ModelSet, hex};

use crate::failure::{Failure, Kind};
use crate::location::Location;
use crate::models;

/// The flag that bounds the memory for one image.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct MemoryLimit {
    /// Most memory for one image, in GiB, or with a unit as in 500MB; images that need more are
    /// refused [default: 2]
    #[arg(long, value_name = "GIB", value_parser = parse_memory)]
    max_memory: Option<u64>,
}

impl MemoryLimit {
    fn bytes(self) -> Option<u64> {
        self.max_memory
    }
}

/// A size in bytes; a number without a unit is in GiB.
fn parse_memory(text: &str) -> Result<u64, String> {
    match text.parse::<f64>() {
        Ok(gib) if gib > 0.0 && gib < f64::from(1 << 20) => Ok((gib * f64::from(1 << 30)) as u64),
        Ok(_) => Err("write a number of GiB above 0, such as 0.5, or a size such as 500MB".into()),
        Err(_) => parse_size(text),
    }
}

/// How a file is to be decoded.
#[derive(Debug, Clone, Default)]
pub struct DecodeRequest {
    pub memory: MemoryLimit,
    /// Only by the generation that wrote the file.
    pub exact: bool,
    /// Decode what is left of a damaged or shortened file.
    pub partial: bool,
    /// The part of the image to decode.
    pub crop: Option<Rect>,
    /// The size of the decoded image.
    pub scale: Scale,
    /// Whether a small image may be blurred, for the sake of time.
    pub quick: bool,
    /// The generation that decodes; `None` leaves the choice to the models there are.
    pub generation: Option<GenerationSelector>,
}

/// Reads a part of an image: X,Y,WIDTH,HEIGHT in pixels.
pub fn parse_crop(text: &str) -> Result<Rect, String> {
    let numbers: Option<Vec<u32>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[x, y, width, height]) if width > 0 && height > 0 => Ok(Rect { x, y, width, height }),
        _ => Err("write four whole numbers as X,Y,WIDTH,HEIGHT; width and height are at least 1".into()),
    }
}

/// Reads a scale: 1/2, 1/4, 1/8 or 1/16.
pub fn parse_scale(text: &str) -> Result<Scale, String> {
    match text {
        "1" | "1/1" => Ok(Scale::Full),
        "1/2" => Ok(Scale::Half),
        "1/4" => Ok(Scale::Quarter),
        "1/8" => Ok(Scale::Eighth),
        "1/16" => Ok(Scale::Sixteenth),
        _ => Err("write 1/2, 1/4, 1/8 or 1/16".into()),
    }
}

/// An image from a file.
pub struct Decoded {
    pub image: Image,
    /// Remarks for the user.
    pub note: Option<String>,
}

/// How an image is to be encoded.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct EncodeFlags {
    /// When to store a part of the image without loss: auto (where the model would make it worse or
    /// larger), always, or never
    #[arg(long, value_enum, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_value = "auto",
        default_missing_value = "always")]
    lossless: When,

    /// Keep the colour beneath wholly transparent pixels
    #[arg(long)]
    keep_hidden_colour: bool,

    /// Time to spend on a smaller or better file, 1 to 9: 5 takes over a minute for a megapixel on
    /// two cores, and each step about 1.7 times as long; decoding stays as fast
    #[arg(long, value_name = "N", value_parser = parse_effort, default_value = "1")]
    effort: Effort,

    /// When to use what a generation has added to its lineage's probabilities: newest (always, where
    /// the model has an add-on; earlier generations cannot decode such a file), never (so that
    /// every generation can), or auto (where it costs less, which takes twice as long)
    #[arg(long, value_enum, value_name = "WHEN", default_value = "newest")]
    add_ons: AddOnsFlag,

    /// Largest size of the file, as in 200000, 200KB or 195KiB; the quality is searched
    #[arg(long, value_name = "SIZE", value_parser = parse_size, group = "target", conflicts_with_all = ["quality", "lambda"])]
    target_size: Option<u64>,

    /// Most bits per pixel of the file; the quality is searched
    #[arg(long, value_name = "BITS", value_parser = positive, group = "target", conflicts_with_all = ["quality", "lambda"])]
    target_bpp: Option<f64>,

    /// Lowest PSNR of the image in dB; the quality is searched
    #[arg(long, value_name = "DB", value_parser = positive, group = "target", conflicts_with_all = ["quality", "lambda"])]
    target_psnr: Option<f64>,

    #[command(flatten)]
    memory: MemoryLimit,
}

/// When tiles are stored without loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

/// When a file is coded by the model's newest add-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum AddOnsFlag {
    Newest,
    Never,
    Auto,
}

/// A size in bytes, with a decimal (KB, MB) or binary (KiB, MiB) unit.
fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "g" | "gb" => 1e9,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(format!("'{unit}' is not a unit of size; write bytes, KB, MB, GB, KiB, MiB or GiB")),
    };
    match number.parse::<f64>() {
        Ok(number) if number > 0.0 && number * factor < 1e15 => Ok((number * factor) as u64),
        _ => Err("write a size such as 200KB".into()),
    }
}

/// Reads an effort.
pub fn parse_effort(text: &str) -> Result<Effort, String> {
    let effort = text.parse().ok().and_then(|effort| Effort::new(effort).ok());
    effort.ok_or("write a whole number from 1 to 9".into())
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|value: &f64| *value > 0.0 && value.is_finite()).ok_or("write a number above 0".into())
}

/// A file that was encoded, and remarks for the user.
pub struct Encoded {
    pub bytes: Vec<u8>,
    pub note: Option<String>,
}

/// Bytes of samples from which on an image is read and written row by row: a small part of the memory for
/// it, most of which is for networks.
fn streamed_from(max_memory: u64) -> u64 {
    max_memory / 16
}

impl EncodeFlags {
    /// Memory for one image, in bytes.
    pub fn max_memory(self) -> u64 {
        self.memory.bytes().unwrap_or(EncodeOptions::new(1.0).max_memory)
    }

    /// From how many bytes of samples on an image is encoded row by row; `None` if a target, or the
    /// choice of an add-on, needs the whole image.
    pub fn streamed_from(self) -> Option<u64> {
        let searches = self.target_size.is_some() || self.target_bpp.is_some() || self.target_psnr.is_some();
        let whole = searches || self.add_ons == AddOnsFlag::Auto;
        (!whole).then(|| streamed_from(self.max_memory()))
    }

    /// Whether the encoding of an image searches for long.
    pub fn searches(self) -> bool {
        self.effort > Effort::default()
    }

    fn options(self, lambda: f32, progress: Option<ProgressCallback>) -> EncodeOptions {
        let mut options = EncodeOptions::new(lambda).with_lossless(match self.lossless {
            When::Auto => Lossless::WhereBetter,
            When::Always => Lossless::Always,
            When::Never => Lossless::Never,
        });
        options.effort = self.effort;
        options.progress = progress;
        options.add_ons = match self.add_ons {
            AddOnsFlag::Newest => AddOns::Newest,
            AddOnsFlag::Never => AddOns::Never,
            AddOnsFlag::Auto => AddOns::WhereBetter,
        };
        options.keep_hidden_colour = self.keep_hidden_colour;
        options.max_memory = self.max_memory();
        options
    }

    /// Encodes an image that comes row by row. Returns the size of the file, and remarks for the user.
    pub fn encode_rows(
        self,
        model: &Model,
        rows: &mut RowReader,
        (lambda, progress): (f32, Option<ProgressCallback>),
        spool: &mut dyn Spool,
        file: &mut dyn Write,
    ) -> Result<(u64, Option<String>), Failure> {
        let metadata = rows.metadata.clone();
        let summary = model.encode_rows(rows, &metadata, &self.options(lambda, progress), spool, file)?;
        Ok((summary.bytes, self.note(&summary)))
    }

    /// Encodes an image into the bytes of a file. λ does not count if there is a target.
    pub fn encode(
        self,
        model: &Model,
        image: &Image,
        lambda: f32,
        progress: Option<ProgressCallback>,
    ) -> Result<Encoded, Failure> {
        let options = self.options(lambda, progress);
        let target = match (self.target_size, self.target_bpp, self.target_psnr) {
            (Some(bytes), ..) => Some(Target::Bytes(bytes)),
            (_, Some(bits), _) => Some(Target::bits_per_pixel(bits, image)),
            (.., Some(psnr)) => Some(Target::Psnr(psnr)),
            _ => None,
        };
        let (bytes, summary) = match target {
            None => model.encode_with_summary(image, &options)?,
            Some(target) => {
                let found = model.encode_to(image, target, &options)?;
                (found.bytes, found.summary)
            }
        };
        Ok(Encoded { bytes, note: self.note(&summary) })
    }

    fn note(self, summary: &EncodeSummary) -> Option<String> {
        let lossless = match (summary.lossless_tiles, summary.tiles) {
            (0, _) => None,
            (lossless, tiles) if lossless == tiles => Some("lossless".to_owned()),
            (lossless, tiles) => Some(format!("{lossless} of {tiles} tiles lossless")),
        };
        let effort = self.searches().then(|| format!("effort saved {:.1} % of bits and error", 100.0 * summary.saved));
        let notes: Vec<String> = [lossless, effort].into_iter().flatten().collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}

/// Encodes an image into the bytes of a file, as the verb `encode` does without flags.
pub fn encode(model: &Model, image: &Image, lambda: f32) -> Result<Vec<u8>, Failure> {
    Ok(model.encode(image, &EncodeOptions::new(lambda))?)
}

/// Encodes an image by the model alone, without any lossless tile, and estimates the bits of the
/// file from the model's probabilities.
pub fn encode_with_estimate(
    model: &Model,
    image: &Image,
    lambda: f32,
    effort: Effort,
) -> Result<(Vec<u8>, f64), Failure> {
    let options = EncodeOptions::new(lambda).with_lossless(Lossless::Never).with_effort(effort);
    let (bytes, report) = model.encode_with_report(image, &options)?;
    Ok((bytes, report.estimated_bits.iter().sum()))
}

/// Opens a file, of which decoding reads only what it needs; standard input is read whole.
pub fn open(location: &Location) -> Result<Box<dyn Source>, Failure> {
    let file = match location {
        Location::Stdio => return Ok(Box::new(location.read()?)),
        Location::File(path) => File::open(path),
    };
    let cannot_seek = |_| location.read().map(|bytes| Box::new(bytes) as Box<dyn Source>);
    let file = file.map_err(|e| Failure::failed(e.to_string()).about(location))?;
    Seekable::new(file).map(|source| Box::new(source) as Box<dyn Source>).or_else(cannot_seek)
}

/// A file that is about to be decoded, and the model that the request selects for it.
pub struct Decoding<'a> {
    model: &'a Model,
    source: &'a dyn Source,
    options: DecodeOptions,
    partial: bool,
    /// A remark on the generation that decodes, if it is not the one that wrote the file.
    by: Option<String>,
    /// Width and height of what is decoded.
    pub size: (u32, u32),
    /// Bytes of its samples.
    bytes: u64,
}

impl Decoding<'_> {
    /// Whether the image is so large that it had better be decoded row by row.
    pub fn is_large(&self) -> bool {
        !self.partial && self.bytes >= streamed_from(self.options.max_memory)
    }

    /// Decodes row by row. Returns remarks for the user.
    pub fn decode_rows(self, sink: &mut dyn RowSink) -> Result<Option<String>, Failure> {
        self.model.decode_rows(self.source, &self.options, sink)?;
        Ok(self.by)
    }

    /// Decodes the image.
    pub fn decode(self) -> Result<Decoded, Failure> {
        let Self { model, source, options, by, .. } = self;
        if !self.partial {
            return Ok(Decoded { image: model.decode_from(source, &options)?, note: by });
        }
        let partial = model.decode_partial_from(source, &options)?;
        let summary = partial.summary;
        let problem = summary.problem.map(|e| match summary.tiles {
            1 => format!("{} of 4 latents; {e}", summary.latents),
            tiles => format!("{} of {tiles} tiles are damaged; {e}", summary.damaged_tiles),
        });
        let notes: Vec<String> = [by, problem].into_iter().flatten().collect();
        Ok(Decoded { image: partial.image, note: (!notes.is_empty()).then(|| notes.join("; ")) })
    }
}

/// Decodes a file by the model that the request selects.
pub fn decode(models: &ModelSet, source: &dyn Source, request: &DecodeRequest) -> Result<Decoded, Failure> {
    decoding(models, source, request)?.decode()
}

/// Finds the model that decodes a file.
pub fn decoding<'a>(
    models: &'a ModelSet,
    source: &'a dyn Source,
    request: &DecodeRequest,
) -> Result<Decoding<'a>, Failure> {
    let mut options = DecodeOptions::default();
    (options.crop, options.scale, options.quick) = (request.crop, request.scale, request.quick);
    if let Some(memory) = request.memory.bytes() {
        options.max_memory = memory;
    }
    if !request.partial || request.memory.bytes().is_some() {
        // Memory is the limit. Of a damaged file, missing tiles would cost time all the same.
        options.limits.max_pixels = u64::MAX;
    }
    let header = Head::read(source, &options.limits)?.header;
    let selector = request.generation.as_ref().or(request.exact.then_some(&GenerationSelector::Writer));
    let reader = models::reader(models, &header, selector).map_err(|mut failure| {
        if request.exact {
            failure.message += "; without --exact, any generation of its lineage decodes it";
        }
        failure
    })?;
    let is_writer = reader.lineage().wrote(&header);
    if request.exact && !is_writer {
        return Err(Failure::unsupported(format!(
            "only generation {} of its lineage ({}…), which wrote it, gives its exact pixels, not {}; decode with \
             --generation writer, or without --exact",
            header.generation,
            hex(&header.generation_id),
            reader.generation()
        )));
    }
    let by = (!is_writer)
        .then(|| format!("by generation {}, generation {} wrote it", reader.lineage().generation, header.generation));
    let model = reader.decoder()?;
    let (width, height) = request.crop.map_or((header.width, header.height), |crop| (crop.width, crop.height));
    let (width, height) = (request.scale.of(width), request.scale.of(height));
    let pixel = header.pixel_format.channels() as u64 * u64::from(header.pixel_format.bits() / 8);
    let bytes = (u64::from(width) * u64::from(height)).saturating_mul(pixel);
    Ok(Decoding { model, source, options, partial: request.partial, by, size: (width, height), bytes })
}

impl From<EncodeError> for Failure {
    fn from(error: EncodeError) -> Self {
        let kind = match error {
            EncodeError::Lambda(_) => Kind::Usage,
            EncodeError::Target { .. } | EncodeError::NoEncoder | EncodeError::NoEffort => Kind::Unsupported,
            EncodeError::Memory { .. } | EncodeError::Isa(_) | EncodeError::Container(_) | EncodeError::Image(_) => {
                Kind::Unsupported
            }
            _ => Kind::Failed,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        let kind = match error.fault() {
            Fault::NotHeirloom | Fault::Damaged | Fault::CutShort | Fault::BadParameter => Kind::Damaged,
            Fault::Unsupported | Fault::UnknownModel | Fault::OverLimit => Kind::Unsupported,
            Fault::Io => Kind::Failed,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<ContainerError> for Failure {
    fn from(error: ContainerError) -> Self {
        DecodeError::Container(error).into()
    }
}

impl From<EvalError> for Failure {
    fn from(error: EvalError) -> Self {
        Self::failed(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [("200000", 200_000), ("200KB", 200_000), ("1.5 MiB", 1_572_864), ("2g", 2_000_000_000)] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for bad in ["", "KB", "-3", "5 apples", "0", "1e99"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
        assert_eq!((parse_memory("0.5"), parse_memory("500MB")), (Ok(1 << 29), Ok(500_000_000)));
        assert!(parse_memory("0").is_err() && parse_memory("-1").is_err() && parse_memory("NaN").is_err());
    }

    #[test]
    fn crops_and_scales_are_read() {
        assert_eq!(parse_crop("1, 2,30,40"), Ok(Rect { x: 1, y: 2, width: 30, height: 40 }));
        for bad in ["", "1,2,3", "1,2,3,0", "1,2,3,4,5", "a,b,c,d", "-1,0,1,1"] {
            assert!(parse_crop(bad).is_err(), "{bad}");
        }
        assert_eq!((parse_scale("1/8"), parse_scale("1")), (Ok(Scale::Eighth), Ok(Scale::Full)));
        assert!(parse_scale("1/3").is_err());
    }
}

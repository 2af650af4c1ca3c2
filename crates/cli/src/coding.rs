//! The codec as the verbs use it: its errors become failures with an exit status, and files find
//! their model.

use heirloom_codec::{DecodeError, DecodeOptions, EncodeError, EncodeOptions, Fault, Image, Model};
use heirloom_eval::EvalError;
use heirloom_format::container::{ContainerError, parse_header};
use heirloom_store::{GenerationSelector, ModelSet, hex};

use crate::failure::{Failure, Kind};
use crate::models;

/// The flag that bounds the memory for one image.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct MemoryLimit {
    /// Most memory for the feature maps of one image, in GiB; images that need more are refused
    /// [default: 8]
    #[arg(long, value_name = "GIB", value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    max_memory: Option<u64>,
}

impl MemoryLimit {
    fn bytes(self) -> Option<u64> {
        self.max_memory.map(|gib| gib << 30)
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
    /// The generation that decodes; `None` leaves the choice to the models there are.
    pub generation: Option<GenerationSelector>,
}

/// An image from a file.
pub struct Decoded {
    pub image: Image,
    /// Remarks for the user.
    pub note: Option<String>,
}

/// Encodes an image into the bytes of a file.
pub fn encode(model: &Model, image: &Image, lambda: f32, memory: MemoryLimit) -> Result<Vec<u8>, Failure> {
    let mut options = EncodeOptions::new(lambda);
    options.max_memory = memory.bytes().unwrap_or(options.max_memory);
    Ok(model.encode(image, &options)?)
}

/// Encodes an image, and estimates the bits of the file from the model's probabilities.
pub fn encode_with_estimate(model: &Model, image: &Image, lambda: f32) -> Result<(Vec<u8>, f64), Failure> {
    let (bytes, report) = model.encode_with_report(image, &EncodeOptions::new(lambda))?;
    Ok((bytes, report.estimated_bits.iter().sum()))
}

/// Decodes a file by the model that the request selects.
pub fn decode(models: &ModelSet, bytes: &[u8], request: &DecodeRequest) -> Result<Decoded, Failure> {
    let mut options = DecodeOptions::default();
    if let Some(memory) = request.memory.bytes() {
        // A user who gives a limit for memory does not want another one for pixels.
        options.max_memory = memory;
        options.limits.max_pixels = u64::MAX;
    }
    let (header, _) = parse_header(bytes, &options.limits)?;
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
    let model = reader.model()?;
    if !request.partial {
        return Ok(Decoded { image: model.decode(bytes, &options)?, note: by });
    }
    let partial = model.decode_partial(bytes, &options)?;
    let problem = partial.problem.map(|e| format!("{} of 4 latents; {e}", partial.latents));
    let notes: Vec<String> = [by, problem].into_iter().flatten().collect();
    Ok(Decoded { image: partial.image, note: (!notes.is_empty()).then(|| notes.join("; ")) })
}

impl From<EncodeError> for Failure {
    fn from(error: EncodeError) -> Self {
        let kind = match error {
            EncodeError::Lambda(_) => Kind::Usage,
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

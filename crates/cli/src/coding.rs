//! The codec as the verbs use it: its errors become failures with their exit status, and files find their model.

use heirloom_codec::{DecodeError, DecodeOptions, EncodeError, EncodeOptions, Fault, Image, Model};
use heirloom_format::container::{ContainerError, parse_header};

use crate::failure::{Failure, Kind};
use crate::models::{Models, Wish, hex};

/// The flag of verbs that take memory for images.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Memory {
    /// Most memory for the feature maps of one image, in GiB; what needs more is refused [default: 8]
    #[arg(long, value_name = "GIB", value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    max_memory: Option<u64>,
}

impl Memory {
    fn bytes(self) -> Option<u64> {
        self.max_memory.map(|gib| gib << 30)
    }
}

/// How a file is decoded.
#[derive(Debug, Clone, Default)]
pub struct Way {
    /// Most memory.
    pub memory: Memory,
    /// Strict arithmetic, and only the generation that wrote the file.
    pub exact: bool,
    /// Make what can be made of a damaged or shortened file.
    pub partial: bool,
    /// The generation that decodes; without one the models at hand decide.
    pub generation: Option<Wish>,
}

/// An image from a file.
pub struct Decoded {
    pub image: Image,
    /// What a user should know about it.
    pub note: Option<String>,
}

/// The bytes of a file.
pub fn encode(model: &Model, image: &Image, lambda: f32, memory: Memory) -> Result<Vec<u8>, Failure> {
    let mut options = EncodeOptions::new(lambda);
    options.max_memory = memory.bytes().unwrap_or(options.max_memory);
    model.encode(image, &options).map_err(|e| encode_failure(&e))
}

/// The bytes of a file, and the bits that the model's probabilities promise for them.
pub fn encode_with_estimate(model: &Model, image: &Image, lambda: f32) -> Result<(Vec<u8>, f64), Failure> {
    let (bytes, report) =
        model.encode_with_report(image, &EncodeOptions::new(lambda)).map_err(|e| encode_failure(&e))?;
    Ok((bytes, report.estimated_bits.iter().sum()))
}

/// The image of a file, by the model that the way asks for.
pub fn decode(models: &Models, bytes: &[u8], way: &Way) -> Result<Decoded, Failure> {
    let mut options = DecodeOptions::default();
    options.exact = way.exact;
    if let Some(memory) = way.memory.bytes() {
        // Whoever names the memory has judged the size.
        options.max_memory = memory;
        options.limits.max_pixels = u64::MAX;
    }
    let (header, _) = parse_header(bytes, &options.limits).map_err(|e| container_failure(&e))?;
    let wish = way.generation.as_ref().or(way.exact.then_some(&Wish::Writer));
    let reader = models.reader(&header, wish).map_err(|failure| explain_exact(failure, way))?;
    let wrote = reader.lineage().wrote(&header);
    if way.exact && !wrote {
        return Err(Failure::unsupported(format!(
            "only generation {} of its lineage ({}…), which wrote it, gives its exact pixels, not {}; decode with --generation writer, \
             or without --exact",
            header.generation,
            hex(&header.generation_id),
            reader.generation()
        )));
    }
    let by = (!wrote)
        .then(|| format!("by generation {}, generation {} wrote it", reader.lineage().generation, header.generation));
    let model = reader.model()?;
    if way.partial {
        let partial = model.decode_partial(bytes, &options).map_err(|e| decode_failure(&e))?;
        let problem = partial.problem.map(|e| format!("{} of 4 latents; {e}", partial.latents));
        let notes: Vec<String> = [by, problem].into_iter().flatten().collect();
        return Ok(Decoded { image: partial.image, note: (!notes.is_empty()).then(|| notes.join("; ")) });
    }
    let image = model.decode(bytes, &options).map_err(|e| decode_failure(&e))?;
    Ok(Decoded { image, note: by })
}

/// Says what --exact has to do with a writer that is not here.
fn explain_exact(mut failure: Failure, way: &Way) -> Failure {
    if way.exact {
        failure.message += "; decoding without --exact needs any generation of its lineage";
    }
    failure
}

/// The failure of a file whose structure is wrong.
pub fn container_failure(error: &ContainerError) -> Failure {
    decode_failure(&DecodeError::Container(error.clone()))
}

/// The failure of an image that was not encoded.
pub fn encode_failure(error: &EncodeError) -> Failure {
    let kind = match error {
        EncodeError::Lambda { .. } => Kind::Usage,
        EncodeError::Memory { .. } | EncodeError::Isa(_) | EncodeError::Container(_) => Kind::Unsupported,
        _ => Kind::Failed,
    };
    Failure::new(kind, error.to_string())
}

/// The failure of a file that was not decoded.
pub fn decode_failure(error: &DecodeError) -> Failure {
    let kind = match error.fault() {
        Fault::NotHeirloom | Fault::Damaged | Fault::CutShort | Fault::BadParameter => Kind::Damaged,
        Fault::Unsupported | Fault::UnknownModel | Fault::OverLimit => Kind::Unsupported,
    };
    Failure::new(kind, error.to_string())
}

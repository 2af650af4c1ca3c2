//! Image to file.

use super::options::is_allowed;
use super::{EncodeError, EncodeOptions, Latents, Model, estimated_rate, symbols};
use crate::image::convert::to_network;
use crate::image::{Image, ImageError};
use crate::model::LATENT_LEVELS;
use crate::network::{dequantise, memory_estimate};
use heirloom_format::container::{CANVAS_UNIT, File, Header, write};
use heirloom_kernels::{Engine, Isa, Map};

/// Facts about an encoded image.
#[derive(Clone, Debug)]
pub struct EncodeReport {
    /// The latents that every decoder finds in the file.
    pub latents: Latents,
    /// Bits of each latent under the network's own Gaussian probabilities, as training counts them.
    pub estimated_bits: [f64; LATENT_LEVELS],
    /// Bytes of each latent's section, without its frame.
    pub section_bytes: [usize; LATENT_LEVELS],
}

/// An encoded latent.
struct CodedLatent {
    bytes: Vec<u8>,
    /// Latent and estimated bits, if a report was requested.
    report: Option<(Map, f64)>,
}

impl Model {
    /// Encodes an image. The result does not depend on the machine's instruction set or number of
    /// threads.
    ///
    /// # Errors
    /// A λ outside the model's range, an image that needs too much memory, metadata that is too
    /// long for the format.
    pub fn encode(&self, image: &Image, options: &EncodeOptions) -> Result<Vec<u8>, EncodeError> {
        let (header, latents) = self.code(image, options, false)?;
        finish(header, image, latents.map(|latent| latent.bytes))
    }

    /// Encodes an image like [`Self::encode`], and reports latents and rates. Takes more time and
    /// memory.
    ///
    /// # Errors
    /// See [`Self::encode`].
    pub fn encode_with_report(
        &self,
        image: &Image,
        options: &EncodeOptions,
    ) -> Result<(Vec<u8>, EncodeReport), EncodeError> {
        let (header, latents) = self.code(image, options, true)?;
        let mut estimated_bits = [0.0; LATENT_LEVELS];
        let mut section_bytes = [0; LATENT_LEVELS];
        let mut maps: [Map; LATENT_LEVELS] = Default::default();
        let mut sections: [Vec<u8>; LATENT_LEVELS] = Default::default();
        for (level, coded) in latents.into_iter().enumerate() {
            section_bytes[level] = coded.bytes.len();
            sections[level] = coded.bytes;
            if let Some((map, bits)) = coded.report {
                (maps[level], estimated_bits[level]) = (map, bits);
            }
        }
        let bytes = finish(header, image, sections)?;
        Ok((bytes, EncodeReport { latents: Latents { header, maps }, estimated_bits, section_bytes }))
    }

    fn code(
        &self,
        image: &Image,
        options: &EncodeOptions,
        report: bool,
    ) -> Result<(Header, [CodedLatent; LATENT_LEVELS]), EncodeError> {
        if image.format().has_alpha() {
            return Err(ImageError::Unsupported { found: "an alpha channel" }.into());
        }
        let header = self.header(image, options)?;
        let needed = memory_estimate::encoding(&self.metadata.spec, header.padded_pixels());
        if !is_allowed(needed, options.max_memory) {
            return Err(EncodeError::Memory { needed, allowed: options.max_memory });
        }
        let isa = options.isa.unwrap_or_else(Isa::best);
        let engine = Engine::at(isa).ok_or(EncodeError::Isa(isa))?;
        let input = to_network(image);
        let (height, width) = (input.height / CANVAS_UNIT, input.width / CANVAS_UNIT);
        let lambda = options.lambda;
        let mut encoder = self.network.encoder.features(engine, lambda, input);
        let mut entropy = self.network.entropy.walk(engine, lambda, height, width);
        let mut code_latent = || -> Result<CodedLatent, EncodeError> {
            let prior = entropy.prior();
            let posterior_mean = encoder.posterior_mean(entropy.feature());
            let (bytes, symbols, prior) = symbols::code(&entropy, &posterior_mean, prior)?;
            let bits = report.then(|| estimated_rate::bits(&symbols, &prior.raw_scale.data));
            let latent = dequantise(&symbols, prior);
            entropy.absorb(&latent);
            entropy.advance();
            Ok(CodedLatent { bytes, report: bits.map(|bits| (latent, bits)) })
        };
        let latents = [code_latent()?, code_latent()?, code_latent()?, code_latent()?];
        Ok((header, latents))
    }

    fn header(&self, image: &Image, options: &EncodeOptions) -> Result<Header, EncodeError> {
        self.metadata.lambda.encoder.check(options.lambda)?;
        let lineage = &self.metadata.lineage;
        Ok(Header {
            width: image.width(),
            height: image.height(),
            pixel_format: image.format(),
            lambda: options.lambda,
            entropy_id: lineage.entropy_id.short(),
            generation: lineage.generation,
            generation_id: lineage.generation_id.short(),
        })
    }
}

fn finish(header: Header, image: &Image, latents: [Vec<u8>; LATENT_LEVELS]) -> Result<Vec<u8>, EncodeError> {
    Ok(write(&File { header, metadata: image.metadata.clone(), latents })?)
}

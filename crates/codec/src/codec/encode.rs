//! Image to file.

use super::{EncodeError, EncodeOptions, Latents, Model, gaussian, short_entropy_id};
use crate::image::{Image, to_network};
use crate::model::LEVELS;
use crate::network::{dequantise, memory, quantise};
use heirloom_format::container::{File, Header, write};
use heirloom_format::entropy::{encode_section, scale_indices};
use heirloom_kernels::{Arithmetic, Engine, Isa, Map};

/// What is known about an image once it is encoded.
#[derive(Clone, Debug)]
pub struct EncodeReport {
    /// The latents that any decoder will find in the file.
    pub latents: Latents,
    /// Bits of each latent under the network's own Gaussian probabilities (method: rate of z), as training counts them.
    pub estimated_bits: [f64; LEVELS],
    /// Bytes that each latent's section really has, without its frame.
    pub section_bytes: [usize; LEVELS],
}

/// What the encoding of a level leaves.
struct CodedLevel {
    bytes: Vec<u8>,
    /// Latent and estimated bits, where a report was asked for.
    report: Option<(Map, f64)>,
}

impl Model {
    /// Encodes an image. The result does not depend on the machine's instruction set or number of threads.
    ///
    /// # Errors
    /// λ outside the model's range, an image that needs too much memory, metadata too long for the format.
    pub fn encode(&self, image: &Image, options: &EncodeOptions) -> Result<Vec<u8>, EncodeError> {
        let (header, levels) = self.code(image, options, false)?;
        finish(header, image, levels.map(|level| level.bytes))
    }

    /// As [`Self::encode`], telling also what was coded and at which cost. Takes more time and memory.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_with_report(
        &self,
        image: &Image,
        options: &EncodeOptions,
    ) -> Result<(Vec<u8>, EncodeReport), EncodeError> {
        let (header, levels) = self.code(image, options, true)?;
        let mut estimated_bits = [0.0; LEVELS];
        let mut section_bytes = [0; LEVELS];
        let mut maps: [Map; LEVELS] = Default::default();
        let mut sections: [Vec<u8>; LEVELS] = Default::default();
        for (level, coded) in levels.into_iter().enumerate() {
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
    ) -> Result<(Header, [CodedLevel; LEVELS]), EncodeError> {
        let header = self.header(image, options)?;
        let needed = memory::encoding(&self.metadata.spec, header.padded_pixels());
        if needed > options.max_memory {
            return Err(EncodeError::Memory { needed, allowed: options.max_memory });
        }
        let isa = options.isa.unwrap_or_else(Isa::best);
        let engine = Engine::at(isa, Arithmetic::Fused).ok_or(EncodeError::Isa(isa))?;
        let input = to_network(image);
        let (height, width) = (input.height / 64, input.width / 64);
        let clamped = self.metadata.lambda.entropy.clamp(options.lambda);
        let mut encoder = self.network.encoder.features(engine, options.lambda, input);
        let mut entropy = self.network.entropy.walk(isa, clamped, height, width).ok_or(EncodeError::Isa(isa))?;
        let mut code_level = || -> Result<CodedLevel, EncodeError> {
            let prior = entropy.prior();
            let symbols = quantise(&encoder.posterior_mean(entropy.feature()), &prior.mean);
            let mut indices = vec![0; symbols.len()];
            scale_indices(&prior.raw_scale.data, &mut indices);
            let bytes = encode_section(&symbols, &indices)?;
            let bits = report.then(|| gaussian::bits(&symbols, &prior.raw_scale.data));
            let latent = dequantise(&symbols, prior.mean);
            entropy.absorb(&latent);
            entropy.advance();
            Ok(CodedLevel { bytes, report: bits.map(|bits| (latent, bits)) })
        };
        let levels = [code_level()?, code_level()?, code_level()?, code_level()?];
        Ok((header, levels))
    }

    fn header(&self, image: &Image, options: &EncodeOptions) -> Result<Header, EncodeError> {
        self.metadata.lambda.encoder.check(options.lambda)?;
        let lineage = &self.metadata.lineage;
        let mut generation_id = [0; 4];
        generation_id.copy_from_slice(&lineage.generation_id.0[..4]);
        Ok(Header {
            width: image.width(),
            height: image.height(),
            pixel_format: image.format(),
            lambda: options.lambda,
            entropy_id: short_entropy_id(lineage.entropy_id),
            generation: lineage.generation,
            generation_id,
        })
    }
}

fn finish(header: Header, image: &Image, latents: [Vec<u8>; LEVELS]) -> Result<Vec<u8>, EncodeError> {
    Ok(write(&File { header, metadata: image.metadata.clone(), latents })?)
}

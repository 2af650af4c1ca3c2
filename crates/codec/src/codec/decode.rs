//! File to image.

use super::latents::grid;
use super::{DecodeError, DecodeOptions, Latents, Model, Partial, short_entropy_id};
use crate::image::{Image, from_network};
use crate::model::LEVELS;
use crate::network::{EntropyWalk, Prior, ReconstructionWalk, dequantise, memory};
use heirloom_format::container::{Header, parse, parse_prefix};
use heirloom_format::entropy::{decode_section, scale_indices};
use heirloom_kernels::{Arithmetic, Engine, Isa, Map};

impl Model {
    /// Decodes a file. The result does not depend on the machine's instruction set or number of threads; with
    /// [`DecodeOptions::exact`] it is the same on machines without fused multiply-add too, and fast there.
    ///
    /// # Errors
    /// Every kind of [`DecodeError`]; [`DecodeError::fault`] sorts them.
    pub fn decode(&self, bytes: &[u8], options: &DecodeOptions) -> Result<Image, DecodeError> {
        let file = parse(bytes, &options.limits)?;
        let mut walk = self.start(&file.header, options)?;
        let mut image = self.start_image(&file.header, options)?;
        for (level, section) in file.latents.iter().enumerate() {
            let prior = walk.prior();
            // Side by side, as entropy coding keeps only one thread busy.
            let climb = || {
                if level > 0 {
                    image.rise()
                }
            };
            let ((), (latent, error)) = rayon::join(climb, || latent(prior, level, Some(section)));
            error.map_or(Ok(()), Err)?;
            walk.absorb(&latent);
            image.merge(&latent, walk.feature());
            drop(latent);
            walk.advance();
        }
        image.rise();
        finish(image, &file.header, file.metadata)
    }

    /// Decodes what is whole of a file that is damaged behind its header, or cut short anywhere behind it. Detail that is
    /// missing is replaced by what the model expects.
    ///
    /// # Errors
    /// As [`Self::decode`], for the header.
    pub fn decode_partial(&self, bytes: &[u8], options: &DecodeOptions) -> Result<Partial, DecodeError> {
        let prefix = parse_prefix(bytes, &options.limits)?;
        let mut walk = self.start(&prefix.header, options)?;
        let mut image = self.start_image(&prefix.header, options)?;
        let mut problem = prefix.problem.map(DecodeError::Container);
        let mut sections = prefix.latents.iter().map(Vec::as_slice);
        let mut latents = 0;
        for level in 0..LEVELS {
            let (latent, error) = latent(walk.prior(), level, sections.next());
            if let Some(error) = error {
                problem.get_or_insert(error);
                sections = [].iter().map(Vec::as_slice); // finer latents depend on this one
            } else if level < prefix.latents.len() {
                latents += usize::from(latents == level);
            }
            walk.absorb(&latent);
            image.merge(&latent, walk.feature());
            image.rise();
            drop(latent);
            walk.advance();
        }
        let image = finish(image, &prefix.header, prefix.metadata)?;
        Ok(Partial { image, latents, problem })
    }

    /// Parses a file to its latents without making an image: what proofs of compatibility compare, and what a newer
    /// generation learns to reconstruct. All generations of a lineage give the same bits.
    ///
    /// # Errors
    /// Every kind of [`DecodeError`]; [`DecodeError::fault`] sorts them.
    pub fn decode_latents(&self, bytes: &[u8], options: &DecodeOptions) -> Result<Latents, DecodeError> {
        let file = parse(bytes, &options.limits)?;
        let mut walk = self.start(&file.header, options)?;
        let mut maps: [Map; LEVELS] = Default::default();
        for (level, section) in file.latents.iter().enumerate() {
            let (latent, error) = latent(walk.prior(), level, Some(section));
            error.map_or(Ok(()), Err)?;
            if level + 1 < LEVELS {
                walk.absorb(&latent);
                walk.advance();
            }
            maps[level] = latent;
        }
        Ok(Latents { header: file.header, maps })
    }

    /// Makes an image from latents: the second half of [`Self::decode`]. Metadata are not among the latents.
    ///
    /// # Errors
    /// Latents of another lineage or of wrong shapes, or too large an image.
    pub fn reconstruct(&self, latents: &Latents, options: &DecodeOptions) -> Result<Image, DecodeError> {
        let header = &latents.header;
        let mut walk = self.start(header, options)?;
        latents.check(&self.metadata.spec)?;
        let mut image = self.start_image(header, options)?;
        for latent in &latents.maps {
            walk.enter();
            walk.absorb(latent);
            image.merge(latent, walk.feature());
            image.rise();
            walk.advance();
        }
        finish(image, header, Default::default())
    }

    /// Checks that this model may decode such a file within the options, and starts the entropy branch.
    fn start(&self, header: &Header, options: &DecodeOptions) -> Result<EntropyWalk<'_>, DecodeError> {
        let present = self.metadata.lineage.entropy_id;
        if header.entropy_id != short_entropy_id(present) {
            let (needed, generation) = (header.entropy_id, header.generation);
            return Err(DecodeError::UnknownModel { needed, generation, present });
        }
        let needed = memory::decoding(&self.metadata.spec, header.padded_pixels());
        if needed > options.max_memory {
            return Err(DecodeError::Memory { needed, allowed: options.max_memory });
        }
        let (height, width) = grid(header, 64);
        let isa = options.isa.unwrap_or_else(Isa::best);
        let lambda = self.metadata.lambda.entropy.clamp(header.lambda);
        self.network.entropy.walk(isa, lambda, height, width).ok_or(DecodeError::Isa(isa))
    }

    fn start_image(&self, header: &Header, options: &DecodeOptions) -> Result<ReconstructionWalk<'_>, DecodeError> {
        let (height, width) = grid(header, 64);
        let isa = options.isa.unwrap_or_else(Isa::best);
        let arithmetic = if options.exact { Arithmetic::Strict } else { Arithmetic::Fused };
        let engine = Engine::at(isa, arithmetic).ok_or(DecodeError::Isa(isa))?;
        let lambda = self.metadata.lambda.reconstruction.clamp(header.lambda);
        Ok(self.network.reconstruction.walk(engine, lambda, height, width))
    }
}

/// The latent of a level from its coded bytes. Its most likely value where there are none, and, with the error, where they cannot
/// be decoded.
fn latent(prior: Prior, level: usize, section: Option<&[u8]>) -> (Map, Option<DecodeError>) {
    let mut symbols = vec![0; prior.mean.data.len()];
    let mut problem = None;
    if let Some(section) = section {
        let mut indices = vec![0; symbols.len()];
        scale_indices(&prior.raw_scale.data, &mut indices);
        drop(prior.raw_scale);
        if let Err(error) = decode_section(section, &indices, &mut symbols) {
            symbols.fill(0);
            problem = Some(DecodeError::Entropy { latent: level as u8 + 1, error });
        }
    }
    (dequantise(&symbols, prior.mean), problem)
}

fn finish(
    image: ReconstructionWalk<'_>,
    header: &Header,
    metadata: heirloom_format::container::Metadata,
) -> Result<Image, DecodeError> {
    let mut image = from_network(&image.image(), header.width, header.height, header.pixel_format)?;
    image.metadata = metadata;
    Ok(image)
}

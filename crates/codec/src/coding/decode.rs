//! File to image.

use super::latents::grid;
use super::options::is_allowed;
use super::{DecodeError, DecodeOptions, Latents, Model, symbols};
use crate::image::convert::from_network;
use crate::image::{Image, ImageError, Metadata};
use crate::model::LATENT_LEVELS;
use crate::network::{EntropyWalk, Prior, ReconstructionWalk, memory_estimate};
use heirloom_format::container::{CANVAS_UNIT, Header, parse, parse_prefix};
use heirloom_kernels::{Engine, Isa, Map};

/// The image that could be made of a damaged or shortened file.
#[derive(Clone, Debug)]
pub struct Partial {
    /// The image, with as much detail as there was.
    pub image: Image,
    /// Number of whole latents, 0 to 4. With none, the image is what the model expects of any
    /// image.
    pub latents: usize,
    /// What is wrong with the file; `None` for a whole file.
    pub problem: Option<DecodeError>,
}

impl Model {
    /// Decodes a file. The result does not depend on the machine's instruction set or number of
    /// threads.
    ///
    /// # Errors
    /// Every kind of [`DecodeError`]; [`DecodeError::fault`] sorts them.
    pub fn decode(&self, bytes: &[u8], options: &DecodeOptions) -> Result<Image, DecodeError> {
        let file = parse(bytes, &options.limits)?;
        let mut walk = self.start(&file.header, options)?;
        let mut image = self.start_image(&file.header, options)?;
        for (level, section) in file.latents.iter().enumerate() {
            let prior = walk.prior();
            // In parallel, since entropy decoding uses one thread only.
            let rise = || {
                if level > 0 {
                    image.rise()
                }
            };
            let ((), (latent, error)) = rayon::join(rise, || latent(&walk, prior, level, Some(section)));
            error.map_or(Ok(()), Err)?;
            walk.absorb(&latent);
            image.merge(&latent, walk.feature());
            drop(latent);
            walk.advance();
        }
        image.rise();
        finish(image, &file.header, file.metadata)
    }

    /// Decodes the whole part of a file that is damaged or cut short behind its header. Missing
    /// detail is replaced by what the model expects.
    ///
    /// # Errors
    /// Errors of the header; see [`Self::decode`].
    pub fn decode_partial(&self, bytes: &[u8], options: &DecodeOptions) -> Result<Partial, DecodeError> {
        let prefix = parse_prefix(bytes, &options.limits)?;
        let mut walk = self.start(&prefix.header, options)?;
        let mut image = self.start_image(&prefix.header, options)?;
        let mut problem = prefix.problem.map(DecodeError::Container);
        let mut sections = prefix.latents.iter().map(Vec::as_slice);
        let mut latents = 0;
        for level in 0..LATENT_LEVELS {
            let prior = walk.prior();
            let (latent, error) = latent(&walk, prior, level, sections.next());
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

    /// Decodes the latents of a file without making an image. All generations of a lineage give the
    /// same bits.
    ///
    /// # Errors
    /// Every kind of [`DecodeError`]; [`DecodeError::fault`] sorts them.
    pub fn decode_latents(&self, bytes: &[u8], options: &DecodeOptions) -> Result<Latents, DecodeError> {
        let file = parse(bytes, &options.limits)?;
        let mut walk = self.start(&file.header, options)?;
        let mut maps: [Map; LATENT_LEVELS] = Default::default();
        for (level, section) in file.latents.iter().enumerate() {
            let prior = walk.prior();
            let (latent, error) = latent(&walk, prior, level, Some(section));
            error.map_or(Ok(()), Err)?;
            if level + 1 < LATENT_LEVELS {
                walk.absorb(&latent);
                walk.advance();
            }
            maps[level] = latent;
        }
        Ok(Latents { header: file.header, maps })
    }

    /// Makes an image from latents, the second half of [`Self::decode`]. The image has no metadata.
    ///
    /// # Errors
    /// Latents of another lineage or of wrong shapes, or an image that is empty or too large.
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
        finish(image, header, Metadata::default())
    }

    /// Checks that this model may decode a file with this header within the options, and starts the
    /// entropy branch.
    fn start(&self, header: &Header, options: &DecodeOptions) -> Result<EntropyWalk<'_>, DecodeError> {
        let present = self.metadata.lineage.entropy_id;
        if !self.metadata.lineage.reads(header) {
            let (needed, generation) = (header.entropy_id, header.generation);
            return Err(DecodeError::UnknownModel { needed, generation, present });
        }
        if header.width == 0 || header.height == 0 {
            return Err(ImageError::Empty { width: header.width, height: header.height }.into());
        }
        let needed = memory_estimate::decoding(&self.metadata.spec, header.padded_pixels());
        if !is_allowed(needed, options.max_memory) {
            return Err(DecodeError::Memory { needed, allowed: options.max_memory });
        }
        let (height, width) = grid(header, CANVAS_UNIT);
        Ok(self.network.entropy.walk(engine(options)?, header.lambda, height, width))
    }

    fn start_image(&self, header: &Header, options: &DecodeOptions) -> Result<ReconstructionWalk<'_>, DecodeError> {
        let (height, width) = grid(header, CANVAS_UNIT);
        Ok(self.network.reconstruction.walk(engine(options)?, header.lambda, height, width))
    }
}

/// Where to compute.
fn engine(options: &DecodeOptions) -> Result<Engine, DecodeError> {
    let isa = options.isa.unwrap_or_else(Isa::best);
    Engine::at(isa).ok_or(DecodeError::Isa(isa))
}

/// Decodes a latent from its section; see [`symbols::decode`].
fn latent(walk: &EntropyWalk<'_>, prior: Prior, level: usize, section: Option<&[u8]>) -> (Map, Option<DecodeError>) {
    let (latent, error) = symbols::decode(walk, prior, section);
    (latent, error.map(|error| DecodeError::Entropy { latent: level as u8 + 1, error }))
}

fn finish(image: ReconstructionWalk<'_>, header: &Header, metadata: Metadata) -> Result<Image, DecodeError> {
    let mut image = from_network(&image.image(), header.width, header.height, header.pixel_format)?;
    image.metadata = metadata;
    Ok(image)
}

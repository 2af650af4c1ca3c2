//! The network between pixels and coded latents: what a tile is made of.

use super::{DecodeError, EncodeError, Model, estimated_rate, symbols};
use crate::model::{LATENT_LEVELS, THUMBNAIL_LEVEL};
use crate::network::{EntropyWalk, Prior, ReconstructionWalk, Window, dequantise};
use heirloom_format::container::CANVAS_UNIT;
use heirloom_kernels::{Engine, Map};

/// Number of latents that a thumbnail needs.
pub(super) const THUMBNAIL_LATENTS: usize = THUMBNAIL_LEVEL + 1;

/// How the network computes. The engine does not change any result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub engine: Engine,
    pub lambda: f32,
    /// The add-on whose heads are used; 0 for the entropy branch's own.
    pub add_on: usize,
}

/// A canvas that was encoded.
#[derive(Default)]
pub(super) struct CodedCanvas {
    /// The coded latents z1 to z4.
    pub latents: [Vec<u8>; LATENT_LEVELS],
    /// What decoders make of them, if it was asked for.
    pub reconstruction: Option<Map>,
    /// The latents themselves and their estimated bits, if they were asked for.
    pub report: Option<([Map; LATENT_LEVELS], [f64; LATENT_LEVELS])>,
    /// What the symbols were rounded from, if it was asked for.
    pub residuals: Option<[Map; LATENT_LEVELS]>,
}

impl CodedCanvas {
    /// Bytes of the coded latents.
    pub fn bytes(&self) -> usize {
        self.latents.iter().map(Vec::len).sum()
    }
}

/// What is to be found out about a canvas besides its coded latents.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    pub reconstruction: bool,
    pub report: bool,
    pub residuals: bool,
}

/// A canvas that was decoded.
pub(super) struct DecodedCanvas {
    /// The pixels of the window that was asked for.
    pub map: Map,
    /// Number of latents, from z1 on, that were whole.
    pub latents: usize,
    /// Why the first of the others was not.
    pub problem: Option<DecodeError>,
}

impl Model {
    /// Encodes the network's input, whose sides are multiples of [`CANVAS_UNIT`].
    pub(super) fn encode_canvas(
        &self,
        setting: Setting,
        input: Map,
        wanted: Wanted,
    ) -> Result<CodedCanvas, EncodeError> {
        let Setting { engine, lambda, .. } = setting;
        let (height, width) = (input.height / CANVAS_UNIT, input.width / CANVAS_UNIT);
        let encoder = self.network.encoder.as_ref().ok_or(EncodeError::NoEncoder)?;
        let mut encoder = encoder.features(engine, lambda, input);
        let mut residuals: [Map; LATENT_LEVELS] = Default::default();
        let mut coded = self.code_canvas(setting, (height, width), wanted, |level, walk, prior| {
            let mut posterior_mean = encoder.posterior_mean(walk.feature());
            let symbols = symbols::choose(walk, &posterior_mean, prior);
            if wanted.residuals {
                residuals_of(&mut posterior_mean, prior);
                residuals[level] = posterior_mean;
            }
            symbols
        })?;
        coded.residuals = wanted.residuals.then_some(residuals);
        Ok(coded)
    }

    /// Codes the symbols that `choose` names for each latent: it is given the level, the walk, and the
    /// prior of the first half, which it makes the prior of all.
    pub(super) fn code_canvas(
        &self,
        setting: Setting,
        (height, width): (usize, usize),
        wanted: Wanted,
        mut choose: impl FnMut(usize, &EntropyWalk<'_>, &mut Prior) -> Vec<i32>,
    ) -> Result<CodedCanvas, EncodeError> {
        let mut entropy = self.entropy_walk(setting, height, width);
        let mut image = wanted.reconstruction.then(|| self.reconstruction_walk(setting, height, width));
        let mut coded = CodedCanvas::default();
        let (mut maps, mut bits): ([Map; LATENT_LEVELS], _) = (Default::default(), [0.0; LATENT_LEVELS]);
        for level in 0..LATENT_LEVELS {
            let mut prior = entropy.prior();
            let symbols = choose(level, &entropy, &mut prior);
            coded.latents[level] = symbols::code(&entropy, &symbols, &prior)?;
            if wanted.report {
                bits[level] = estimated_rate::bits(&symbols, &prior.raw_scale.data);
            }
            let latent = dequantise(&symbols, prior);
            entropy.absorb(&latent);
            if let Some(image) = &mut image {
                image.merge(&latent, entropy.feature());
                image.rise();
            }
            entropy.advance();
            if wanted.report {
                maps[level] = latent;
            }
        }
        drop((choose, entropy));
        coded.reconstruction = image.map(ReconstructionWalk::image);
        coded.report = wanted.report.then_some((maps, bits));
        Ok(coded)
    }

    /// Decodes the coded latents of a canvas of `height` × `width` positions of z1, and makes pixels of
    /// the window `shown` of positions at stride 4. From the first on that is missing or wrong,
    /// latents are replaced by what the model expects.
    pub(super) fn decode_canvas(
        &self,
        setting: Setting,
        (height, width): (usize, usize),
        shown: Window,
        sections: [Option<&[u8]>; LATENT_LEVELS],
    ) -> Result<DecodedCanvas, DecodeError> {
        let mut walk = self.entropy_walk(setting, height, width);
        let network = &self.network.reconstruction;
        let mut image = network.walk_within(setting.engine, setting.lambda, (height, width), shown);
        let (mut latents, mut problem) = (0, None);
        for (level, section) in sections.into_iter().enumerate() {
            let section = section.filter(|_| latents == level);
            let prior = walk.prior();
            // In parallel, since entropy decoding uses one thread only.
            let rise = || {
                if level > 0 {
                    image.rise();
                }
            };
            let ((), (latent, error)) = rayon::join(rise, || decode_latent(&walk, prior, level, section));
            latents += usize::from(section.is_some() && error.is_none());
            problem = problem.or(error);
            walk.absorb(&latent);
            image.merge(&latent, walk.feature());
            drop(latent);
            walk.advance();
        }
        image.rise();
        Ok(DecodedCanvas { map: image.image(), latents, problem })
    }

    /// Decodes the latents z1 to z3 of a canvas, and makes the image at an eighth of its size of them, as
    /// [`Self::decode_canvas`] makes it at full size. `None` for a model without thumbnail head.
    pub(super) fn decode_canvas_thumbnail(
        &self,
        setting: Setting,
        (height, width): (usize, usize),
        sections: [Option<&[u8]>; LATENT_LEVELS],
    ) -> Option<DecodedCanvas> {
        let mut walk = self.entropy_walk(setting, height, width);
        let (mut latents, mut problem) = (0, None);
        for (level, section) in sections.into_iter().enumerate().take(THUMBNAIL_LATENTS) {
            if level > 0 {
                walk.advance();
            }
            let section = section.filter(|_| latents == level);
            let prior = walk.prior();
            let (latent, error) = decode_latent(&walk, prior, level, section);
            latents += usize::from(section.is_some() && error.is_none());
            problem = problem.or(error);
            walk.absorb(&latent);
        }
        let map = self.network.reconstruction.thumbnail(setting.engine, walk.feature())?;
        Some(DecodedCanvas { map, latents, problem })
    }

    /// Decodes the coded latents of a canvas without making an image of them.
    pub(super) fn decode_canvas_latents(
        &self,
        setting: Setting,
        (height, width): (usize, usize),
        sections: &[Vec<u8>; LATENT_LEVELS],
    ) -> Result<[Map; LATENT_LEVELS], DecodeError> {
        let mut walk = self.entropy_walk(setting, height, width);
        let mut maps: [Map; LATENT_LEVELS] = Default::default();
        for (level, section) in sections.iter().enumerate() {
            let prior = walk.prior();
            let (latent, error) = decode_latent(&walk, prior, level, Some(section));
            error.map_or(Ok(()), Err)?;
            if level + 1 < LATENT_LEVELS {
                walk.absorb(&latent);
                walk.advance();
            }
            maps[level] = latent;
        }
        Ok(maps)
    }

    /// The network's output for latents of the right shapes.
    pub(super) fn reconstruct_canvas(
        &self,
        setting: Setting,
        (height, width): (usize, usize),
        latents: &[Map; LATENT_LEVELS],
    ) -> Result<Map, DecodeError> {
        let mut walk = self.entropy_walk(setting, height, width);
        let mut image = self.reconstruction_walk(setting, height, width);
        for latent in latents {
            walk.enter();
            walk.absorb(latent);
            image.merge(latent, walk.feature());
            image.rise();
            walk.advance();
        }
        Ok(image.image())
    }

    pub(super) fn entropy_walk(&self, setting: Setting, height: usize, width: usize) -> EntropyWalk<'_> {
        self.network.entropy.walk_with(setting.add_on, setting.engine, setting.lambda, (height, width))
    }

    pub(super) fn reconstruction_walk(&self, setting: Setting, height: usize, width: usize) -> ReconstructionWalk<'_> {
        self.network.reconstruction.walk(setting.engine, setting.lambda, height, width)
    }
}

/// Turns posterior means into residuals: (q − μ) ÷ Δ.
fn residuals_of(posterior_mean: &mut Map, prior: &Prior) {
    let steps = prior.steps.iter().copied().chain(prior.steps.is_empty().then_some(1.0)).cycle();
    let values = posterior_mean.data.iter_mut().zip(&prior.mean.data).zip(steps);
    values.for_each(|((value, mean), step)| *value = (*value - mean) / step);
}

/// Decodes a latent from its section; see [`symbols::decode`].
fn decode_latent(
    walk: &EntropyWalk<'_>,
    prior: Prior,
    level: usize,
    section: Option<&[u8]>,
) -> (Map, Option<DecodeError>) {
    let (latent, error) = symbols::decode(walk, prior, section);
    (latent, error.map(|error| DecodeError::Entropy { tile: None, latent: level as u8 + 1, error }))
}

//! Intermediate results of a network that is given its latents, for comparison with reference
//! vectors.

use heirloom_format::container::CANVAS_UNIT;

use super::Network;
use heirloom_kernels::{Engine, Map};

/// Intermediate results of one latent level.
#[derive(Clone, Debug)]
pub struct LevelTrace {
    /// Mean of the prior.
    pub prior_mean: Map,
    /// Raw scale of the prior.
    pub prior_raw_scale: Map,
    /// Mean of the posterior.
    pub posterior_mean: Map,
}

/// Intermediate results of a whole network.
#[derive(Clone, Debug)]
pub struct Trace {
    /// λ embedding of the encoder.
    pub encoder_embedding: Vec<f32>,
    /// λ embedding of the entropy branch.
    pub entropy_embedding: Vec<f32>,
    /// λ embedding of the reconstruction branch.
    pub reconstruction_embedding: Vec<f32>,
    /// Encoder features at strides 8, 16, 32, 64.
    pub features: Vec<Map>,
    /// z1 to z4.
    pub levels: Vec<LevelTrace>,
    /// The reconstructed image.
    pub image: Map,
}

impl Network {
    /// Runs all branches on `image` (RGB in [-1, 1], sides multiples of [`CANVAS_UNIT`]). After
    /// each level it continues with the given latent instead of the network's own.
    ///
    /// Returns `None` unless there are an encoder and four latents of the right shapes.
    #[must_use]
    pub fn trace(&self, engine: Engine, lambda: f32, image: Map, latents: &[Map]) -> Option<Trace> {
        let (height, width) = (image.height / CANVAS_UNIT, image.width / CANVAS_UNIT);
        let bottom_up = self.encoder.as_ref()?;
        let mut encoder = bottom_up.features(engine, lambda, image);
        let mut entropy = self.entropy.walk(engine, lambda, height, width);
        let mut reconstruction = self.reconstruction.walk(engine, lambda, height, width);
        let features = encoder.features().to_vec();
        if latents.len() != features.len() {
            return None;
        }
        let mut levels = Vec::new();
        for latent in latents {
            let prior = entropy.prior();
            let mean = &prior.mean;
            if (latent.height, latent.width, latent.channels) != (mean.height, mean.width, mean.channels) {
                return None;
            }
            let posterior_mean = encoder.posterior_mean(entropy.feature());
            entropy.absorb(latent);
            reconstruction.merge(latent, entropy.feature());
            reconstruction.rise();
            entropy.advance();
            levels.push(LevelTrace { prior_mean: prior.mean, prior_raw_scale: prior.raw_scale, posterior_mean });
        }
        Some(Trace {
            encoder_embedding: bottom_up.embedding(engine, lambda),
            entropy_embedding: self.entropy.embedding(engine, lambda),
            reconstruction_embedding: self.reconstruction.embedding(engine, lambda),
            features,
            levels,
            image: reconstruction.image(),
        })
    }
}

//! The layers around one latent: prior, posterior, quantisation, and what both branches do of it.

use burn::tensor::{Device, Tensor};
use heirloom_codec::model::{LATENT_LEVELS, Spec};

use super::{
    block::BlockIds,
    context::Context,
    lambda::Embeddings,
    linear::LinearIds,
    parameters::{Layout, MatrixId, Weights},
    quantise::Quantise,
};
use crate::{error::Result, ops::rate};

/// Where the layers of a latent level find their parameters.
pub(super) struct Level {
    /// 0 for z1 … 3 for z4.
    index: usize,
    feature_block: BlockIds,
    entropy_block: BlockIds,
    mixed_block: BlockIds,
    mix: LinearIds,
    mean: LinearIds,
    entropy_in: Vec<BlockIds>,
    prior: LinearIds,
    context: Option<Context>,
    step: Option<MatrixId>,
    latent: LinearIds,
    entropy_out: Vec<BlockIds>,
    entropy_up: Option<LinearIds>,
    reconstruction_in: Vec<BlockIds>,
    merge: LinearIds,
    reconstruction_out: Vec<BlockIds>,
    reconstruction_up: LinearIds,
}

/// What the posterior of a level sees of the image.
pub struct LevelInput {
    /// Feature map of the level's stride, `[B, H/s, W/s, C]`.
    pub feature: Tensor<4>,
    /// What is added to the posterior mean, `[B, H/s, W/s, Z]`.
    pub linear: Option<Tensor<4>>,
}

/// Results of one latent level.
pub struct LevelOutput {
    /// Posterior mean, `[B, H/s, W/s, Z]`; none without an image.
    pub posterior_mean: Option<Tensor<4>>,
    /// Prior, `[B, H/s, W/s, 2Z]`: means, then raw scales, these in quantisation steps.
    pub prior: Tensor<4>,
    /// Latent that both branches see, `[B, H/s, W/s, Z]`.
    pub latent: Tensor<4>,
    /// Latent whose bits are counted. It differs from `latent` for [`Quantise::Mixed`], and where
    /// the quantisation step is not 1: its residual is in steps, as the scale of the prior is.
    pub counted: Tensor<4>,
    /// Feature of the entropy branch after the latent, which the reconstruction branch merges,
    /// `[B, H/s, W/s, C]`.
    pub feature: Tensor<4>,
}

impl LevelOutput {
    /// Means of the prior, `[B, H/s, W/s, Z]`.
    pub fn prior_mean(&self) -> Tensor<4> {
        prior_mean(&self.prior)
    }

    /// Standard deviations of the prior in quantisation steps, `[B, H/s, W/s, Z]`.
    pub fn prior_scale(&self) -> Tensor<4> {
        let [b, h, w, c] = self.prior.dims();
        rate::scale(self.prior.clone().slice([0..b, 0..h, 0..w, c / 2..c]))
    }
}

fn prior_mean(prior: &Tensor<4>) -> Tensor<4> {
    let [b, h, w, c] = prior.dims();
    prior.clone().slice([0..b, 0..h, 0..w, 0..c / 2])
}

/// Quantisation steps `[B, 1, 1, Z]` from coefficients `[3, Z]` and powers `[B, 3]`.
fn steps(coefficients: Tensor<2>, powers: &Tensor<2>) -> Tensor<4> {
    let (batch, channels) = (powers.dims()[0], coefficients.dims()[1]);
    powers.clone().matmul(coefficients).exp().reshape([batch, 1, 1, channels])
}

impl Level {
    /// Finds the parameters of the level with index `index`.
    ///
    /// # Errors
    /// A parameter that is missing.
    pub fn find(spec: &Spec, layout: &Layout, index: usize) -> Result<Self> {
        let (n, kernel) = (index + 1, spec.level_kernel(index));
        let block = |name: &str| BlockIds::find(layout, &format!("encoder.z{n}.{name}"), kernel);
        let blocks = |name: &str, count: usize| BlockIds::many(layout, name, count, kernel);
        let linear = |name: &str| LinearIds::find(layout, name);
        Ok(Self {
            index,
            feature_block: block("feature_block")?,
            entropy_block: block("entropy_block")?,
            mixed_block: block("mixed_block")?,
            mix: linear(&format!("encoder.z{n}.mix"))?,
            mean: linear(&format!("encoder.z{n}.mean"))?,
            entropy_in: blocks(&format!("entropy.z{n}.in"), spec.entropy_in[index])?,
            prior: linear(&format!("entropy.z{n}.prior"))?,
            context: (spec.context[index] > 0)
                .then(|| Context::find(layout, &format!("entropy.z{n}.context")))
                .transpose()?,
            step: spec.learned_steps.then(|| layout.matrix(&format!("entropy.z{n}.step"))).transpose()?,
            latent: linear(&format!("entropy.z{n}.latent"))?,
            entropy_out: blocks(&format!("entropy.z{n}.out"), spec.entropy_out[index])?,
            entropy_up: (n < LATENT_LEVELS).then(|| linear(&format!("entropy.z{n}.up"))).transpose()?,
            reconstruction_in: blocks(&format!("reconstruction.z{n}.in"), spec.reconstruction_in[index])?,
            merge: linear(&format!("reconstruction.z{n}.merge"))?,
            reconstruction_out: blocks(&format!("reconstruction.z{n}.out"), spec.reconstruction_out[index])?,
            reconstruction_up: linear(&format!("reconstruction.z{n}.up"))?,
        })
    }

    /// Takes the feature `e` of the entropy branch through this level, and `input` to the posterior, if
    /// there is an image. Returns the level's results, and the entropy branch's feature for the next
    /// level.
    pub fn quantised(
        &self,
        w: &Weights,
        embeddings: &Embeddings,
        mut e: Tensor<4>,
        input: Option<LevelInput>,
        quantise: Quantise,
        device: &Device,
    ) -> (LevelOutput, Tensor<4>) {
        for block in &self.entropy_in {
            e = block.run(w, &embeddings.entropy, e);
        }
        let mut prior = self.prior.dense(w, vec![e.clone()], w.to_values());
        let posterior_mean = input.map(|input| self.posterior(w, embeddings, e.clone(), input));
        let delta = self.step.map(|id| steps(w.matrix(id), &embeddings.powers));
        // The latent, and that whose bits are counted if it is another.
        let latent_under = |prior: &Tensor<4>| match (&delta, quantise, &posterior_mean) {
            (Some(delta), _, q) => {
                let (latent, counted) =
                    quantise.apply_in_steps(self.index, q.as_ref(), &prior_mean(prior), delta, device);
                (latent, Some(counted))
            }
            (None, Quantise::Given(given), _) => (given[self.index].clone(), None),
            (None, _, Some(q)) => quantise.apply(self.index, q, || prior_mean(prior), device),
            // Without features there is nothing to quantise: take the most likely latents.
            (None, _, None) => (prior_mean(prior), None),
        };
        if let Some(context) = &self.context {
            // The first half of the positions keeps its priors, and so its latents.
            let residual = latent_under(&prior).0 - prior_mean(&prior);
            let symbols = delta.as_ref().map_or_else(|| residual.clone(), |delta| residual.clone() / delta.clone());
            prior = context.corrected(w, prior, &e, symbols);
        }
        let (latent, counted) = latent_under(&prior);
        e = e + self.latent.dense(w, vec![latent.clone()], w.between_features());
        let feature = e.clone();
        if let Some(up) = &self.entropy_up {
            for block in &self.entropy_out {
                e = block.run(w, &embeddings.entropy, e);
            }
            e = up.up(w, e, 2, w.between_features());
        }
        let counted = counted.unwrap_or_else(|| latent.clone());
        (LevelOutput { posterior_mean, prior, latent, counted, feature }, e)
    }

    /// Takes the feature `r` of the reconstruction branch through this level, with the level's
    /// `latent` and the entropy branch's feature `e` after it. `activated` is the branch's
    /// embedding.
    pub fn reconstructed(
        &self,
        w: &Weights,
        activated: &Tensor<2>,
        mut r: Tensor<4>,
        latent: Tensor<4>,
        e: Tensor<4>,
    ) -> Tensor<4> {
        for block in &self.reconstruction_in {
            r = block.run(w, activated, r);
        }
        r = self.merge.dense(w, vec![r, latent, e], w.between_features());
        for block in &self.reconstruction_out {
            r = block.run(w, activated, r);
        }
        self.reconstruction_up.up(w, r, 2, w.between_features())
    }

    fn posterior(&self, w: &Weights, embeddings: &Embeddings, e: Tensor<4>, input: LevelInput) -> Tensor<4> {
        let a = self.feature_block.run(w, &embeddings.encoder, input.feature);
        let b = self.entropy_block.run(w, &embeddings.encoder, e);
        let mixed = self.mix.dense(w, vec![b, a], w.between_features());
        let mixed = self.mixed_block.run(w, &embeddings.encoder, mixed);
        let mean = self.mean.conv3x3(w, mixed, w.to_values());
        match input.linear {
            Some(linear) => mean + linear,
            None => mean,
        }
    }
}

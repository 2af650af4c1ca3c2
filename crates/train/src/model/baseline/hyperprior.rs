//! A baseline: latent and hyper-latent, their bits, and the image.

use burn::tensor::{Device, Tensor};
use heirloom_codec::model::{Branch, LambdaRanges};

use super::{
    context::Context,
    declaration::{Declaration, Start},
    factorised::Factorised,
    gma, msh,
    normalisation::Normalisation,
    spec::BaselineSpec,
    transform::Transform,
};
use crate::{
    error::Result,
    model::{
        lambda::{Embeddings, LambdaNet},
        parameters::{Layout, Weights},
        quantise::Quantise,
    },
    ops::rate,
};

/// Least standard deviation of a latent.
const LEAST_SCALE: f32 = 0.11;
/// Indices of hyper-latent and latent in [`Quantise`]: coarsest first.
const Z: usize = 0;
const Y: usize = 1;

/// A baseline, which knows where each of its layers finds its parameters.
pub struct Baseline {
    starts: Vec<Start>,
    /// None for systems of a single λ.
    lambda: Option<LambdaNet>,
    analysis: Transform,
    hyper_analysis: Transform,
    hyper_synthesis: Transform,
    synthesis: Transform,
    prior: Factorised,
    context: Option<Context>,
}

/// Embeddings of λ for the three branches; none for systems of a single λ.
pub type Conditions = Option<Embeddings>;

/// Latents and their bits.
pub struct Pass {
    /// Hyper-latent before quantisation, `[B, H/64, W/64, N]`; none if latents are given without an
    /// image.
    pub z: Option<Tensor<4>>,
    /// Latent before quantisation, `[B, H/16, W/16, M]`; none if latents are given without an
    /// image.
    pub y: Option<Tensor<4>>,
    /// Quantised hyper-latent and latent.
    pub latents: [Tensor<4>; 2],
    /// Bits of each value of hyper-latent and latent.
    pub bits: [Tensor<4>; 2],
    /// Mean of each value of the latent.
    pub mean: Tensor<4>,
    /// Standard deviation of each value of the latent, before its lower bound of 0.11.
    pub scale: Tensor<4>,
}

impl Baseline {
    /// Declares every parameter.
    ///
    /// # Errors
    /// Numbers of the spec that are out of range.
    pub fn new(spec: &BaselineSpec) -> Result<(Layout, Self)> {
        spec.check()?;
        let (n, m) = (spec.n, spec.latents());
        let mut declaration = Declaration::new(spec.embedding());
        let d = &mut declaration;
        let lambda = spec.embedding().map(|embedding| {
            let deviation = (1.0 / embedding as f32).sqrt();
            let branches = [Branch::Entropy, Branch::Encoder, Branch::Reconstruction].map(|branch| {
                ["fc1", "fc2"]
                    .map(|layer| d.linear(&format!("{branch}.lambda.{layer}"), embedding, embedding, deviation))
            });
            LambdaNet { embedding, branches }
        });
        let [analysis, hyper_analysis, hyper_synthesis, synthesis] = if spec.system.has_context() {
            [gma::analysis(d, n), gma::hyper_analysis(d, n), gma::hyper_synthesis(d, n), gma::synthesis(d, n)]
        } else {
            [
                msh::analysis(d, n, m),
                msh::hyper_analysis(d, n, m),
                msh::hyper_synthesis(d, n, m),
                msh::synthesis(d, n, m),
            ]
        };
        let context = spec.system.has_context().then(|| Context::new(d, n));
        let prior = Factorised::new(d, n);
        let (layout, starts) = declaration.finish();
        Ok((layout, Self { starts, lambda, analysis, hyper_analysis, hyper_synthesis, synthesis, prior, context }))
    }

    /// Initial values of all parameters, flat.
    #[must_use]
    pub fn start(&self, layout: &Layout, seed: u64) -> Vec<f32> {
        let mut values = vec![0f32; layout.len()];
        for (index, (entry, start)) in layout.entries().iter().zip(&self.starts).enumerate() {
            let columns = entry.shape.last().copied().unwrap_or(1);
            start.fill(&mut values[entry.offset..entry.offset + entry.len], columns, seed, index);
        }
        values
    }

    /// Embeds one λ per image, see `LambdaNet::embed`.
    pub fn conditions(
        &self,
        w: &Weights,
        lambdas: &[f32],
        ranges: Option<&LambdaRanges>,
        device: &Device,
    ) -> Conditions {
        self.lambda.as_ref().map(|net| net.embed(w, lambdas, ranges, device))
    }

    /// Codes images `[B, H, W, 3]` in [-1, 1], whose H and W are multiples of 64, or given latents.
    /// Without images, both latents must be given.
    pub fn pass(&self, w: &Weights, conditions: &Conditions, images: Option<Tensor<4>>, quantise: Quantise) -> Pass {
        let encoder = conditions.as_ref().map(|c| &c.encoder);
        let entropy = conditions.as_ref().map(|c| &c.entropy);
        let y = images.map(|x| self.analysis.run(w, encoder, x));
        let z = y.clone().map(|y| self.hyper_analysis.run(w, encoder, y));

        let (z_seen, z_counted) = latent(quantise, Z, z.as_ref(), || self.prior.medians(w));
        let hyper = self.hyper_synthesis.run(w, entropy, z_seen.clone());
        let z_bits = self.prior.bits(w, z_counted);
        let (prior, y_seen, y_counted) = match &self.context {
            Some(context) => {
                // Rounded to whole numbers, not relative to the mean: that depends on the rounded
                // neighbours, and coding must see all latents at once. The bits are those of whole
                // numbers under the same means.
                let zero = || Tensor::zeros([1, 1, 1, 1], &hyper.device());
                let (seen, counted) = latent(quantise, Y, y.as_ref(), zero);
                (context.run(w, entropy, hyper, seen.clone()), seen, counted)
            }
            None => {
                let (seen, counted) = latent(quantise, Y, y.as_ref(), || halves(&hyper)[1].clone());
                (hyper, seen, counted)
            }
        };
        let [scale, mean] = halves(&prior);
        let y_bits = rate::bits_at_least(y_counted - mean.clone(), scale.clone(), LEAST_SCALE);
        Pass { z, y, latents: [z_seen, y_seen], bits: [z_bits, y_bits], mean, scale }
    }

    /// Encodes images to hyper-latent and latent, rounded as when coding.
    pub fn rounded(&self, w: &Weights, conditions: &Conditions, images: Tensor<4>) -> [Tensor<4>; 2] {
        let encoder = conditions.as_ref().map(|c| &c.encoder);
        let entropy = conditions.as_ref().map(|c| &c.entropy);
        let y = self.analysis.run(w, encoder, images);
        let z = self.hyper_analysis.run(w, encoder, y.clone());
        let (z, _) = latent(Quantise::Round, Z, Some(&z), || self.prior.medians(w));
        let (y, _) = latent(Quantise::Round, Y, Some(&y), || match &self.context {
            Some(_) => Tensor::zeros([1, 1, 1, 1], &y.device()),
            None => halves(&self.hyper_synthesis.run(w, entropy, z.clone()))[1].clone(),
        });
        [z, y]
    }

    /// Reconstructs the image `[B, H, W, 3]` of a latent `[B, H/16, W/16, M]`; values may exceed
    /// [-1, 1].
    pub fn image(&self, w: &Weights, conditions: &Conditions, y: Tensor<4>) -> Tensor<4> {
        let reconstruction = conditions.as_ref().map(|c| &c.reconstruction);
        self.synthesis.run(w, reconstruction, y)
    }

    /// Removes from a gradient whatever would push stored values of the normalisations further
    /// below their bound.
    pub fn constrain_gradient(&self, layout: &Layout, values: &[f32], gradient: &mut [f32]) {
        for entry in layout.entries() {
            let Some(least) = Normalisation::least(&entry.name) else { continue };
            let range = entry.offset..entry.offset + entry.len;
            for (g, v) in gradient[range.clone()].iter_mut().zip(&values[range]) {
                if *v < least && *g > 0.0 {
                    *g = 0.0;
                }
            }
        }
    }
}

/// Quantises a latent: what the branches see, and what the bits are counted of. Given latents need
/// no `real` values.
fn latent(
    quantise: Quantise,
    level: usize,
    real: Option<&Tensor<4>>,
    mean: impl FnOnce() -> Tensor<4>,
) -> (Tensor<4>, Tensor<4>) {
    let (seen, counted) = match (quantise, real) {
        (Quantise::Given(given), _) => (given[level].clone(), None),
        (_, Some(real)) => quantise.apply(level, real, mean, &real.device()),
        // Neither image nor latents: take the most likely ones.
        (_, None) => (mean(), None),
    };
    let counted = counted.unwrap_or_else(|| seen.clone());
    (seen, counted)
}

/// Scales and means: the two halves of the channels.
fn halves(prior: &Tensor<4>) -> [Tensor<4>; 2] {
    let [b, h, w, c] = prior.dims();
    let part = |from: usize| prior.clone().slice([0..b, 0..h, 0..w, from..from + c / 2]);
    [part(0), part(c / 2)]
}

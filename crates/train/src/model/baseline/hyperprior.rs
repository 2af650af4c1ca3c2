//! A baseline at work: latent and hyper-latent, what they cost, and the image.

use burn::tensor::{Device, Tensor};
use heirloom_codec::model::LambdaRanges;

use super::{
    BaselineSpec,
    context::Context,
    declare::{Declaration, Start},
    factorised::Factorised,
    gma,
    layers::Normalisation,
    msh,
    transform::Transform,
};
use crate::{
    Result,
    model::{Embeddings, Layout, Quantise, Weights, lambda::LambdaNet},
    ops::rate,
};

/// Least deviation of a latent.
const LEAST_SCALE: f32 = 0.11;
/// Levels of the latents in [`Quantise`]: coarsest first.
const Z: usize = 0;
const Y: usize = 1;

/// A system of the paper's comparison: where each of its layers finds its parameters.
pub struct Baseline {
    starts: Vec<Start>,
    /// None for systems of one λ.
    lambda: Option<LambdaNet>,
    analysis: Transform,
    hyper_analysis: Transform,
    hyper_synthesis: Transform,
    synthesis: Transform,
    prior: Factorised,
    context: Option<Context>,
}

/// GELU(embedding) of the three branches; none for systems of one λ.
pub type Conditions = Option<Embeddings>;

/// Latents and what they cost.
pub struct Pass {
    /// `[B, H/64, W/64, N]`: the hyper-latent's real values; none if latents are given without an image.
    pub z: Option<Tensor<4>>,
    /// `[B, H/16, W/16, M]`: the latent's real values; none as above.
    pub y: Option<Tensor<4>>,
    /// What the entropy branch sees of z, and both branches of y.
    pub seen: [Tensor<4>; 2],
    /// Bits of each hyper-latent and of each latent.
    pub bits: [Tensor<4>; 2],
    /// Mean of each latent.
    pub mean: Tensor<4>,
    /// Deviation of each latent, before its lower bound of 0.11.
    pub scale: Tensor<4>,
}

impl Baseline {
    /// Declares every parameter.
    ///
    /// # Errors
    /// Numbers of the spec that make no sense.
    pub fn new(spec: &BaselineSpec) -> Result<(Layout, Self)> {
        spec.check()?;
        let (n, m) = (spec.n, spec.latents());
        let mut declaration = Declaration::new(spec.embedding());
        let d = &mut declaration;
        let lambda = spec.embedding().map(|embedding| {
            let deviation = (1.0 / embedding as f32).sqrt();
            let branches = ["entropy", "encoder", "reconstruction"].map(|branch| {
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

    /// A flat buffer of start values.
    #[must_use]
    pub fn start(&self, layout: &Layout, seed: u64) -> Vec<f32> {
        let mut values = vec![0f32; layout.len()];
        for (index, (entry, start)) in layout.entries().iter().zip(&self.starts).enumerate() {
            let columns = entry.shape.last().copied().unwrap_or(1);
            start.fill(&mut values[entry.offset..entry.offset + entry.len], columns, seed, index);
        }
        values
    }

    /// What λ says to the branches, one λ per image; see [`LambdaNet::embed`].
    pub fn conditions(
        &self,
        w: &Weights,
        lambdas: &[f32],
        ranges: Option<&LambdaRanges>,
        device: &Device,
    ) -> Conditions {
        self.lambda.as_ref().map(|net| net.embed(w, lambdas, ranges, device))
    }

    /// From images `[B, H, W, 3]` in [-1, 1] (H, W multiples of 64), or from given latents, to what is known of the latents.
    /// Without images, both latents are given.
    pub fn pass(&self, w: &Weights, conditions: &Conditions, images: Option<Tensor<4>>, quantise: Quantise) -> Pass {
        let encoder = conditions.as_ref().map(|c| &c.encoder);
        let entropy = conditions.as_ref().map(|c| &c.entropy);
        let y = images.map(|x| self.analysis.run(w, encoder, x));
        let z = y.clone().map(|y| self.hyper_analysis.run(w, encoder, y));

        let (z_seen, z_rated) = latent(quantise, Z, z.as_ref(), || self.prior.medians(w));
        let hyper = self.hyper_synthesis.run(w, entropy, z_seen.clone());
        let z_bits = self.prior.bits(w, z_rated);
        let (prior, y_seen, y_rated) = match &self.context {
            Some(context) => {
                // Rounded to whole numbers, not from the mean, which depends on how the neighbours were rounded: so that coding
                // sees all latents at once. The rate is that of whole numbers under the same means.
                let zero = || Tensor::zeros([1, 1, 1, 1], &hyper.device());
                let (seen, rated) = latent(quantise, Y, y.as_ref(), zero);
                (context.run(w, entropy, hyper, seen.clone()), seen, rated)
            }
            None => {
                let (seen, rated) = latent(quantise, Y, y.as_ref(), || halves(&hyper)[1].clone());
                (hyper, seen, rated)
            }
        };
        let [scale, mean] = halves(&prior);
        let y_bits = rate::bits_at_least(y_rated - mean.clone(), scale.clone(), LEAST_SCALE);
        Pass { z, y, seen: [z_seen, y_seen], bits: [z_bits, y_bits], mean, scale }
    }

    /// The latents of images, rounded as when coding: all that a file would hold, and no more computed than that.
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

    /// The image `[B, H, W, 3]`, in [-1, 1] if it were perfect, of a latent `[B, H/16, W/16, M]`.
    pub fn image(&self, w: &Weights, conditions: &Conditions, y: Tensor<4>) -> Tensor<4> {
        let reconstruction = conditions.as_ref().map(|c| &c.reconstruction);
        self.synthesis.run(w, reconstruction, y)
    }

    /// Takes out of a gradient what would push stored values of the normalisations further below their bound.
    pub fn hold(&self, layout: &Layout, values: &[f32], gradient: &mut [f32]) {
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

/// What the branches see of a latent, and what its rate is taken of. Given latents need no real values.
fn latent(
    quantise: Quantise,
    level: usize,
    real: Option<&Tensor<4>>,
    mean: impl FnOnce() -> Tensor<4>,
) -> (Tensor<4>, Tensor<4>) {
    let (seen, rated) = match (quantise, real) {
        (Quantise::Given(given), _) => (given[level].clone(), None),
        (_, Some(real)) => quantise.apply(level, real, mean, &real.device()),
        // Neither image nor latents: the most likely ones.
        (_, None) => (mean(), None),
    };
    let rated = rated.unwrap_or_else(|| seen.clone());
    (seen, rated)
}

/// Scales and means.
fn halves(prior: &Tensor<4>) -> [Tensor<4>; 2] {
    let [b, h, w, c] = prior.dims();
    let part = |from: usize| prior.clone().slice([0..b, 0..h, 0..w, from..from + c / 2]);
    [part(0), part(c / 2)]
}

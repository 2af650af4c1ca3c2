//! Spatial context: the priors of one half of a latent level's positions, corrected from the other
//! half, which is known by then.
//!
//! The positions are split like the squares of a chessboard. Those with an even x + y come first,
//! under the priors that the coarser levels give. A small network then sees their symbols and the
//! entropy branch's feature, and corrects means and raw scales of the others. Source: the
//! checkerboard context of He et al., CVPR 2021; its place in a hierarchy is our own.

use rayon::prelude::*;

use super::build::Builder;
use super::prior::Prior;
use crate::model::{CONTEXT_KERNEL, ModelError};
use heirloom_kernels::{Depthwise, Engine, Linear, Map};

/// The context of one latent level.
#[derive(Debug)]
pub(super) struct Context {
    depthwise: Depthwise,
    expand: Linear,
    project_mean: Linear,
    project_raw_scale: Linear,
}

/// Whether a position belongs to the half that is coded first.
pub fn is_first(y: usize, x: usize) -> bool {
    (y + x).is_multiple_of(2)
}

impl Context {
    /// Builds the context `name` of a level with `width` features, `latent` channels and `hidden`
    /// channels of its own.
    pub fn new(
        build: &mut Builder<'_>,
        name: &str,
        width: usize,
        latent: usize,
        hidden: usize,
    ) -> Result<Self, ModelError> {
        let depthwise = build.depthwise(&format!("{name}.depthwise"), CONTEXT_KERNEL, latent)?;
        let expand = build.linear(&format!("{name}.expand"), &[width, latent])?;
        let [project_mean, project_raw_scale] = build.halves(&format!("{name}.project"), hidden)?;
        Ok(Self { depthwise, expand, project_mean, project_raw_scale })
    }

    /// Corrects the priors of the second half. Of `symbols`, those of the first half are seen.
    pub fn correct(&self, engine: Engine, feature: &Map, symbols: &[i32], prior: &mut Prior) {
        let (width, channels) = (prior.mean.width, prior.mean.channels);
        let mut seen = Map::zeros(prior.mean.height, width, channels);
        let pixels = seen.data.par_chunks_exact_mut(channels).zip(symbols.par_chunks_exact(channels));
        pixels.enumerate().for_each(|(i, (seen, symbols))| {
            if is_first(i / width, i % width) {
                seen.iter_mut().zip(symbols).for_each(|(seen, &k)| *seen = k as f32);
            }
        });
        let seen = engine.depthwise(&self.depthwise, &seen);
        let mut hidden = engine.dense(&self.expand, &[feature, &seen]);
        hidden.data.par_chunks_mut(1 << 13).for_each(|values| engine.gelu(values));
        for (project, out) in [(&self.project_mean, &mut prior.mean), (&self.project_raw_scale, &mut prior.raw_scale)] {
            let correction = engine.dense(project, &[&hidden]);
            let pixels = out.data.par_chunks_exact_mut(channels).zip(correction.data.par_chunks_exact(channels));
            pixels.enumerate().for_each(|(i, (out, correction))| {
                if !is_first(i / width, i % width) {
                    out.iter_mut().zip(correction).for_each(|(out, correction)| *out += correction);
                }
            });
        }
    }
}

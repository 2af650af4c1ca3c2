//! The spatial context, forward and backward; see `network/context.rs`.

use rayon::prelude::*;

use heirloom_kernels::{Engine, Map};

use super::layers::Dense;
use super::parameters::Parameters;
use crate::model::{CONTEXT_KERNEL, ModelError};

/// How far a position sees.
const REACH: usize = CONTEXT_KERNEL / 2;

/// The context of one latent level.
#[derive(Debug)]
pub(super) struct Context {
    /// `[25, Z]` and `[Z]`.
    depthwise: [Vec<f32>; 2],
    expand: Dense,
    project: Dense,
}

/// What the backward pass needs of a forward pass.
pub(super) struct ContextTape {
    /// Input and output of the GELU.
    hidden: [Map; 2],
}

impl Context {
    pub fn new(w: &Parameters, name: &str, width: usize, latent: usize, hidden: usize) -> Result<Self, ModelError> {
        Ok(Self {
            depthwise: w.layer(&format!("{name}.depthwise"))?.map(<[f32]>::to_vec),
            expand: w.dense(&format!("{name}.expand"), &[width, latent])?,
            project: w.dense(&format!("{name}.project"), &[hidden])?,
        })
    }

    /// What is added to means and raw scales at the second half of the positions, from the symbols
    /// of the first half, which are 0 elsewhere.
    pub fn forward(&self, engine: Engine, feature: &Map, symbols: &Map) -> (Map, ContextTape) {
        let [weight, bias] = &self.depthwise;
        let seen = convolve(symbols, bias, |tap| &weight[tap * bias.len()..][..bias.len()]);
        let before = self.expand.forward(&[feature, &seen]);
        let mut after = before.clone();
        after.data.par_chunks_mut(1 << 13).for_each(|values| engine.gelu(values));
        (self.project.forward(&[&after]), ContextTape { hidden: [before, after] })
    }

    /// From the gradient by what was added: the gradients by feature and symbols.
    pub fn backward(&self, tape: ContextTape, gradient: &Map) -> (Map, Map) {
        let mut hidden = self.project.backward(gradient, 0);
        let [before, after] = tape.hidden;
        let values = hidden.data.par_iter_mut().zip(before.data.par_iter().zip(&after.data));
        values.for_each(|(gradient, (&x, &y))| {
            // GELU(x) = x·Φ(x), whose derivative is Φ(x) + x·φ(x).
            let distribution = if x.abs() > 1e-3 { y / x } else { 0.5 };
            let density = (-0.5 * x * x).exp() * 0.398_942_3;
            *gradient *= distribution + x * density;
        });
        let by_seen = self.expand.backward(&hidden, 1);
        let weight = &self.depthwise[0];
        let zeros = vec![0.0; by_seen.channels];
        let last = CONTEXT_KERNEL * CONTEXT_KERNEL - 1;
        let by_symbols = convolve(&by_seen, &zeros, |tap| &weight[(last - tap) * zeros.len()..][..zeros.len()]);
        (self.expand.backward(&hidden, 0), by_symbols)
    }
}

/// A depthwise convolution with zero padding: `weight(tap)` are the weights of all channels.
fn convolve<'a>(map: &Map, bias: &[f32], weight: impl Fn(usize) -> &'a [f32] + Sync) -> Map {
    let Map { height, width, channels, .. } = *map;
    let mut out = Map::zeros(height, width, channels);
    out.data.par_chunks_mut((width * channels).max(1)).enumerate().for_each(|(y, row)| {
        for (x, out) in row.chunks_exact_mut(channels).enumerate() {
            out.copy_from_slice(bias);
            for (ky, sy) in (y..y + CONTEXT_KERNEL).enumerate().filter(|&(_, sy)| (REACH..height + REACH).contains(&sy))
            {
                for (kx, sx) in
                    (x..x + CONTEXT_KERNEL).enumerate().filter(|&(_, sx)| (REACH..width + REACH).contains(&sx))
                {
                    let source = &map.data[((sy - REACH) * width + sx - REACH) * channels..][..channels];
                    let taps = out.iter_mut().zip(source).zip(weight(ky * CONTEXT_KERNEL + kx));
                    taps.for_each(|((out, value), weight)| *out += value * weight);
                }
            }
        }
    });
    out
}

/// Adds a correction at the second half of the positions.
pub(super) fn add_to_second_half(prior: &mut Map, correction: &Map) {
    let (width, channels) = (prior.width, prior.channels);
    for (i, out) in prior.data.chunks_exact_mut(channels).enumerate() {
        if !crate::network::is_first(i / width, i % width) {
            out.iter_mut().zip(&correction.data[i * channels..]).for_each(|(out, more)| *out += more);
        }
    }
}

/// Sets the values of one half of the positions to 0.
pub(super) fn keep_half(map: &mut Map, first: bool) {
    let (width, channels) = (map.width, map.channels);
    for (i, values) in map.data.chunks_exact_mut(channels).enumerate() {
        if crate::network::is_first(i / width, i % width) != first {
            values.fill(0.0);
        }
    }
}

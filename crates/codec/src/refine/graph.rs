//! Entropy and reconstruction branch in floats, from z3 on: the loss of a canvas as a function of its
//! symbols, and its gradient. See `network/` for what the layers are.

use rayon::prelude::*;

use heirloom_kernels::product::Precision;
use heirloom_kernels::training::objective::{self, Rate};
use heirloom_kernels::{Engine, Map};

use super::blocks::{Blocks, BlocksTape};
use super::context::{Context, ContextTape, add_to_second_half, keep_half};
use super::layers::{Dense, Up};
use super::parameters::Parameters;
use super::{FIRST, LEVELS};
use crate::model::{LATENT_LEVELS, LINEAR_RATIO, ModelError, QuantisedWeights, STRIDES, Spec};
use crate::network::Network;

/// What the two branches are from z3 on, at one λ.
pub struct Branches {
    levels: Vec<Level>,
    tail: Blocks,
    image: Up,
    linear: Option<Up>,
    engine: Engine,
}

struct Level {
    entropy_in: Blocks,
    prior: Dense,
    context: Option<Context>,
    /// Quantisation step of each channel.
    steps: Vec<f32>,
    latent: Dense,
    entropy_out: Blocks,
    entropy_up: Option<Up>,
    reconstruction_in: Blocks,
    merge: Dense,
    reconstruction_out: Blocks,
    reconstruction_up: Up,
}

/// The features of both branches where z3 begins, after the blocks before the latent.
pub struct Start {
    entropy: Map,
    reconstruction: Map,
}

/// What is to be reached.
#[derive(Clone, Copy)]
pub(super) struct Goal<'a> {
    /// The canvas, RGB in [-1, 1].
    pub image: &'a Map,
    /// The part of it that is seen, as height and width; what is beyond only pads it.
    pub seen: (usize, usize),
    /// Bits that a squared error of 1 of one sample is worth.
    pub weight: f32,
}

/// The loss of a canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// Estimated bits of z3 and z4.
    pub bits: f64,
    /// What the squared errors are worth, in bits.
    pub errors: f64,
}

/// What the backward pass needs of a level.
struct LevelTape {
    entropy_in: BlocksTape,
    rate: Rate,
    context: Option<ContextTape>,
    entropy_out: BlocksTape,
    reconstruction_in: BlocksTape,
    reconstruction_out: BlocksTape,
}

/// A forward pass.
struct Pass {
    loss: Loss,
    levels: Vec<LevelTape>,
    tail: BlocksTape,
    image: Map,
}

impl Loss {
    /// The sum, in bits.
    #[must_use]
    pub fn total(self) -> f64 {
        self.bits + self.errors
    }
}

impl Branches {
    /// The branches of `network` with the heads of its add-on `add_on`, 0 for none, at λ. `weights` are
    /// those of such a network without add-ons, `precision` is that of the products between maps.
    ///
    /// # Errors
    /// Weights that do not fit the spec.
    pub fn new(
        network: &Network,
        spec: &Spec,
        weights: &QuantisedWeights,
        (engine, lambda, add_on): (Engine, f32, usize),
        precision: Precision,
    ) -> Result<Self, ModelError> {
        let w = Parameters { weights: weights.to_floats(spec)?, precision };
        let activated = |mut embedding: Vec<f32>| {
            engine.gelu(&mut embedding);
            embedding
        };
        let entropy = activated(network.entropy.embedding(engine, lambda));
        let reconstruction = activated(network.reconstruction.embedding(engine, lambda));
        let level = |level: usize| {
            let stage = Spec::stage_of_level(level);
            let (width, latent, kernel) = (spec.widths[stage], spec.latents[level], spec.kernels[stage]);
            let [e, r] = ["entropy", "reconstruction"].map(|branch| format!("{branch}.z{}", level + 1));
            let blocks = |name: String, count, embedding: &[f32]| Blocks::new(&w, &name, count, kernel, embedding);
            let context = match spec.context[level] {
                0 => None,
                hidden => Some(Context::new(&w, &format!("{e}.context"), width, latent, hidden)?),
            };
            Ok(Level {
                entropy_in: blocks(format!("{e}.in"), spec.entropy_in[level], &entropy)?,
                prior: w.dense(&format!("{e}.prior"), &[width])?,
                context,
                steps: network.entropy.steps(add_on, level, lambda).unwrap_or_else(|| vec![1.0; latent]),
                latent: w.dense(&format!("{e}.latent"), &[latent])?,
                entropy_out: blocks(format!("{e}.out"), spec.entropy_out[level], &entropy)?,
                entropy_up: (level + 1 < LATENT_LEVELS).then(|| w.up(&format!("{e}.up"), 2)).transpose()?,
                reconstruction_in: blocks(format!("{r}.in"), spec.reconstruction_in[level], &reconstruction)?,
                merge: w.dense(&format!("{r}.merge"), &[width, latent, width])?,
                reconstruction_out: blocks(format!("{r}.out"), spec.reconstruction_out[level], &reconstruction)?,
                reconstruction_up: w.up(&format!("{r}.up"), 2)?,
            })
        };
        Ok(Self {
            levels: (FIRST..LATENT_LEVELS).map(level).collect::<Result<_, ModelError>>()?,
            tail: Blocks::new(&w, "reconstruction.tail", spec.tail_blocks, spec.kernels[0], &reconstruction)?,
            image: w.up("reconstruction.image", STRIDES[0])?,
            linear: spec.linear_path.then(|| w.up("reconstruction.linear", LINEAR_RATIO)).transpose()?,
            engine,
        })
    }

    /// The start of a canvas, from the features of both branches before the blocks of z3.
    #[must_use]
    pub fn start(&self, mut entropy: Map, mut reconstruction: Map) -> Start {
        if let Some(level) = self.levels.first() {
            level.entropy_in.forward(&mut entropy);
            level.reconstruction_in.forward(&mut reconstruction);
        }
        Start { entropy, reconstruction }
    }

    /// The loss of symbols of z3 and z4.
    pub(super) fn loss(&self, start: &Start, symbols: &[Map; LEVELS], goal: Goal<'_>) -> Loss {
        self.forward(start, symbols, goal).loss
    }

    /// The loss of symbols of z3 and z4, which need not be integers, and its derivatives by them.
    pub(super) fn gradient(&self, start: &Start, symbols: &[Map; LEVELS], goal: Goal<'_>) -> (Loss, [Map; LEVELS]) {
        let pass = self.forward(start, symbols, goal);
        (pass.loss, self.backward(pass, goal))
    }

    fn forward(&self, start: &Start, symbols: &[Map; LEVELS], goal: Goal<'_>) -> Pass {
        let (mut e, mut r) = (start.entropy.clone(), start.reconstruction.clone());
        let (mut loss, mut levels) = (Loss::default(), Vec::new());
        let mut linear = None;
        for (number, (level, symbols)) in self.levels.iter().zip(symbols).enumerate() {
            // The start is behind these blocks.
            let is_first = number == 0;
            let entropy_in = if is_first { BlocksTape::new() } else { level.entropy_in.forward(&mut e) };
            let reconstruction_in = if is_first { BlocksTape::new() } else { level.reconstruction_in.forward(&mut r) };
            let mut prior = level.prior.forward(&[&e]);
            let context = level.context.as_ref().map(|context| {
                let mut first = symbols.clone();
                keep_half(&mut first, true);
                let (correction, tape) = context.forward(self.engine, &e, &first);
                add_to_second_half(&mut prior, &correction);
                tape
            });
            let latent = latents(symbols, &prior, &level.steps);
            let rate = bits(symbols, prior);
            loss.bits += rate.bits.iter().map(|&bits| f64::from(bits)).sum::<f64>();
            e.add(&level.latent.forward(&[&latent]));
            r = level.merge.forward(&[&r, &latent, &e]);
            if number + 1 == LEVELS {
                linear = self.linear.as_ref().map(|path| path.forward(&latent));
            }
            let reconstruction_out = level.reconstruction_out.forward(&mut r);
            r = level.reconstruction_up.forward(&r);
            let mut entropy_out = BlocksTape::new();
            if let Some(up) = &level.entropy_up {
                entropy_out = level.entropy_out.forward(&mut e);
                e = up.forward(&e);
            }
            levels.push(LevelTape { entropy_in, rate, context, entropy_out, reconstruction_in, reconstruction_out });
        }
        let tail = self.tail.forward(&mut r);
        let mut image = self.image.forward(&r);
        if let Some(linear) = &linear {
            image.add(linear);
        }
        loss.errors = goal.errors(&image);
        Pass { loss, levels, tail, image }
    }

    fn backward(&self, Pass { levels, tail, image, .. }: Pass, goal: Goal<'_>) -> [Map; LEVELS] {
        let by_image = goal.gradient(image);
        let mut by_r = self.image.backward(&by_image);
        self.tail.backward(tail, &mut by_r);
        // By the entropy branch's feature where the next level begins.
        let mut by_next: Option<Map> = None;
        let mut by_symbols: [Map; LEVELS] = Default::default();
        for (number, (level, tape)) in self.levels.iter().zip(levels).enumerate().rev() {
            by_r = level.reconstruction_up.backward(&by_r);
            level.reconstruction_out.backward(tape.reconstruction_out, &mut by_r);
            let [mut by_latent, mut by_e] = [1, 2].map(|input| level.merge.backward(&by_r, input));
            if number + 1 == LEVELS
                && let Some(linear) = &self.linear
            {
                by_latent.add(&linear.backward(&by_image));
            }
            if let (Some(up), Some(by_next)) = (&level.entropy_up, &by_next) {
                let mut through = up.backward(by_next);
                level.entropy_out.backward(tape.entropy_out, &mut through);
                by_e.add(&through);
            }
            by_latent.add(&level.latent.backward(&by_e, 0));
            let by_prior = by_prior(&by_latent, &tape.rate);
            let mut by_symbol = by_symbols_alone(&by_latent, &tape.rate, &level.steps);
            if let (Some(context), Some(tape)) = (&level.context, tape.context) {
                let mut by_correction = by_prior.clone();
                keep_half(&mut by_correction, false);
                let (by_feature, mut by_first) = context.backward(tape, &by_correction);
                by_e.add(&by_feature);
                keep_half(&mut by_first, true);
                by_symbol.add(&by_first);
            }
            by_symbols[number] = by_symbol;
            if number > 0 {
                by_r = level.merge.backward(&by_r, 0);
                level.reconstruction_in.backward(tape.reconstruction_in, &mut by_r);
                by_e.add(&level.prior.backward(&by_prior, 0));
                level.entropy_in.backward(tape.entropy_in, &mut by_e);
                by_next = Some(by_e);
            }
        }
        by_symbols
    }
}

/// The latents of symbols: z = k·Δ + μ.
fn latents(symbols: &Map, prior: &Map, steps: &[f32]) -> Map {
    let channels = symbols.channels;
    let mut latents = symbols.clone();
    let pixels = latents.data.par_chunks_mut(channels).zip(prior.data.par_chunks(2 * channels));
    pixels.for_each(|(values, prior)| {
        values.iter_mut().zip(prior).zip(steps).for_each(|((value, mean), step)| *value = *value * step + mean);
    });
    latents
}

/// The bits of each row of symbols, and their derivatives. `prior` `[H, W, 2Z]` has means and raw scales.
fn bits(symbols: &Map, mut prior: Map) -> Rate {
    let channels = symbols.channels;
    // Symbols are residuals about 0.
    prior.data.par_chunks_mut(2 * channels).for_each(|prior| prior[..channels].fill(0.0));
    objective::bits(symbols.height, channels, &prior.data, &symbols.data)
}

/// Gradient by the prior: by its means through the latents, by its raw scales through the bits.
fn by_prior(by_latent: &Map, rate: &Rate) -> Map {
    let Map { height, width, channels, .. } = *by_latent;
    let mut out = Map { height, width, channels: 2 * channels, data: rate.by_prior.clone() };
    let pixels = out.data.par_chunks_mut(2 * channels).zip(by_latent.data.par_chunks(channels));
    pixels.for_each(|(prior, latent)| prior[..channels].copy_from_slice(latent));
    out
}

/// Gradient by symbols: through their latents, and through their bits.
fn by_symbols_alone(by_latent: &Map, rate: &Rate, steps: &[f32]) -> Map {
    let mut out = by_latent.clone();
    let channels = out.channels;
    let pixels = out.data.par_chunks_mut(channels).zip(rate.by_latent.par_chunks(channels));
    pixels.for_each(|(out, bits)| {
        out.iter_mut().zip(bits).zip(steps).for_each(|((out, bits), step)| *out = *out * step + bits);
    });
    out
}

impl Goal<'_> {
    /// What the errors of an image are worth, in bits.
    fn errors(&self, image: &Map) -> f64 {
        let row = image.width * 3;
        let seen = self.seen.1 * 3;
        let rows = image.data.chunks_exact(row).zip(self.image.data.chunks_exact(row)).take(self.seen.0);
        let squares = rows.map(|(x, target)| f64::from(objective::squared_error(1, &x[..seen], &target[..seen])[0]));
        squares.sum::<f64>() * f64::from(self.weight)
    }

    /// The gradient of the errors by the image.
    fn gradient(&self, mut image: Map) -> Map {
        let row = image.width * 3;
        let rows = image.data.par_chunks_mut(row).zip(self.image.data.par_chunks(row));
        rows.enumerate().for_each(|(y, (x, target))| {
            let seen = if y < self.seen.0 { self.seen.1 * 3 } else { 0 };
            x[..seen].iter_mut().zip(target).for_each(|(x, target)| *x = 2.0 * self.weight * (*x - target));
            x[seen..].fill(0.0);
        });
        image
    }
}

#[cfg(test)]
mod tests {
    use super::super::rounding::mixed;
    use super::*;
    use crate::model::ModelFile;
    use heirloom_kernels::Isa;

    fn noise(height: usize, width: usize, channels: usize, seed: u64) -> Map {
        let mut map = Map::zeros(height, width, channels);
        let value = |i: usize| (mixed(seed + i as u64) >> 40) as f32 / (1u32 << 24) as f32 - 0.5;
        map.data.iter_mut().enumerate().for_each(|(i, v)| *v = value(i));
        map
    }

    /// The gradient is what a small step in any direction changes.
    #[test]
    fn gradients_are_differences() {
        let plain = Spec { latents: [16, 16, 16, 16], ..Spec::tiny() };
        let with_options = Spec { learned_steps: true, context: [0, 8, 16, 16], linear_path: true, ..plain.clone() };
        for spec in [plain, with_options] {
            let ModelFile { metadata, weights } = crate::reference::model(spec.clone()).unwrap();
            let network = Network::new(&spec, &metadata.lambda, &weights).unwrap();
            let engine = Engine::at(Isa::best()).unwrap();
            let branches = Branches::new(&network, &spec, &weights, (engine, 100.0, 0), Precision::Single).unwrap();
            let width = spec.level_width(FIRST);
            let start = branches.start(noise(8, 4, width, 1), noise(8, 4, width, 9_000));
            let image = noise(128, 64, 3, 5);
            let goal = Goal { image: &image, seen: (100, 50), weight: 30.0 };
            let symbols: [Map; LEVELS] =
                std::array::from_fn(|level| noise(8 << level, 4 << level, 16, 1000 * level as u64));
            let (_, by_symbols) = branches.gradient(&start, &symbols, goal);
            for level in 0..LEVELS {
                let direction = noise(8 << level, 4 << level, 16, 77);
                let moved = |by: f32| {
                    let mut moved = symbols.clone();
                    moved[level].data.iter_mut().zip(&direction.data).for_each(|(v, d)| *v += by * d);
                    branches.loss(&start, &moved, goal).total()
                };
                let by = 1e-2;
                let difference = (moved(by) - moved(-by)) / (2.0 * f64::from(by));
                let product = by_symbols[level].data.iter().zip(&direction.data);
                let product: f64 = product.map(|(&g, &d)| f64::from(g) * f64::from(d)).sum();
                assert!(
                    (difference - product).abs() < 0.05 * product.abs() + 0.02,
                    "z{}: {difference} by differences, {product} by the gradient",
                    FIRST + level + 1
                );
            }
        }
    }
}

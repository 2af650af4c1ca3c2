//! The search for better symbols of one canvas: descent with momentum, under random rounding that
//! becomes less and less random.

use rayon::prelude::*;

use heirloom_kernels::Map;

use super::LEVELS;
use super::graph::{Branches, Goal, Start};
use super::rounding::round;
use crate::network::Window;

// Tuned for 12 to 400 steps on three Kodak images at λ = 64 and 1024; `docs/EFFORT.md` has the numbers.

/// How warm the rounding is at the beginning and at the end.
const TEMPERATURE: [f32; 2] = [0.5, 0.2];
/// Length of a step at the beginning and at the end, in units of a symbol, along gradients that are
/// much larger than [`CALM`].
const RATE: [f32; 2] = [0.2, 0.06];
/// Gradient, in bits, below which steps become shorter. Larger ones count by their sign alone.
const CALM: f32 = 200.0;
/// Share of the noise in rounding, and decay of the averages of gradients and of their squares, for
/// [`MANY`] steps or more.
const NOISE: f32 = 0.4;
const DECAY: [f32; 2] = [0.9, 0.99];
/// Fewer steps than these have less noise and momentum.
const MANY: f32 = 100.0;
/// Steps between looks at what has been reached with symbols that are integers.
const LOOK: usize = 20;

/// What is known of a value that is searched.
#[derive(Clone, Copy, Default)]
struct Moments {
    mean: f32,
    square: f32,
}

/// Searches `steps` steps for symbols with a smaller loss than those nearest to `values` have, of z3 and
/// z4. Only those of the window `free` of z3's positions are changed. `report` is told after each step what
/// share of the loss has been saved. Returns the best integers.
pub(super) fn descend(
    branches: &Branches,
    start: &Start,
    mut values: [Map; LEVELS],
    free: Window,
    goal: Goal<'_>,
    steps: usize,
    report: impl Fn(f64),
) -> [Map; LEVELS] {
    let nearest = |values: &[Map; LEVELS]| {
        let mut nearest = values.clone();
        nearest.iter_mut().flat_map(|map| &mut map.data).for_each(|value| *value = value.round_ties_even());
        nearest
    };
    let mut best = nearest(&values);
    let first = branches.loss(start, &best, goal).total();
    let mut least = first;
    for (level, (map, fixed)) in values.iter_mut().zip(&best).enumerate() {
        keep_outside(map, fixed, free.finer(1 << level));
    }
    let haste = (MANY / steps as f32).max(1.0);
    let noise = NOISE / haste.cbrt();
    let decays = [1.0 - (1.0 - DECAY[0]) * haste.sqrt(), DECAY[1]];
    let (mut rounded, mut slopes) = (values.clone(), values.clone());
    let mut moments = values.each_ref().map(|map| vec![Moments::default(); map.data.len()]);
    for step in 0..steps {
        let progress = step as f32 / steps as f32;
        let between = |[from, to]: [f32; 2]| from * (to / from).powf(progress);
        for (level, map) in values.iter().enumerate() {
            let seed = ((level as u64) << 32) + step as u64;
            round(&map.data, [between(TEMPERATURE), noise], seed, &mut rounded[level].data, &mut slopes[level].data);
            keep_outside(&mut rounded[level], map, free.finer(1 << level));
        }
        let (_, gradients) = branches.gradient(start, &rounded, goal);
        let rate = between(RATE);
        let known = decays.map(|decay| 1.0 - decay.powi(step as i32 + 1));
        for (level, (map, moments)) in values.iter_mut().zip(&mut moments).enumerate() {
            let free = free.finer(1 << level);
            let row = map.width * map.channels;
            let inside = free.left * map.channels..free.right * map.channels;
            let rows = map.data.par_chunks_mut(row).zip(moments.par_chunks_mut(row));
            let causes = gradients[level].data.par_chunks(row).zip(slopes[level].data.par_chunks(row));
            rows.zip(causes).take(free.bottom).skip(free.top).for_each(|((values, moments), (gradients, slopes))| {
                let values = values[inside.clone()].iter_mut().zip(&mut moments[inside.clone()]);
                let causes = gradients[inside.clone()].iter().zip(&slopes[inside.clone()]);
                for ((value, moments), (gradient, slope)) in values.zip(causes) {
                    *value -= rate * moments.direction(gradient * slope, decays, known);
                }
            });
        }
        if (step + 1) % LOOK == 0 || step + 1 == steps {
            let symbols = nearest(&values);
            let loss = branches.loss(start, &symbols, goal).total();
            if loss < least {
                (least, best) = (loss, symbols);
            }
        }
        report(1.0 - least / first);
    }
    best
}

impl Moments {
    /// Takes a gradient into account; returns the direction, at most about 1 long. `known` is how much of
    /// the averages has been seen.
    fn direction(&mut self, gradient: f32, decays: [f32; 2], known: [f32; 2]) -> f32 {
        self.mean += (1.0 - decays[0]) * (gradient - self.mean);
        self.square += (1.0 - decays[1]) * (gradient * gradient - self.square);
        (self.mean / known[0]) / ((self.square / known[1]).sqrt() + CALM)
    }
}

/// Replaces the values outside of a window by those of another map.
fn keep_outside(map: &mut Map, other: &Map, window: Window) {
    let row = map.width * map.channels;
    let inside = window.left * map.channels..window.right * map.channels;
    for (y, (values, others)) in map.data.chunks_exact_mut(row).zip(other.data.chunks_exact(row)).enumerate() {
        if (window.top..window.bottom).contains(&y) {
            values[..inside.start].copy_from_slice(&others[..inside.start]);
            values[inside.end..].copy_from_slice(&others[inside.end..]);
        } else {
            values.copy_from_slice(others);
        }
    }
}

//! More latent channels, larger contexts and a linear path for a run that has begun. Latents and contexts
//! are frozen with the entropy branch, so what turns out to be too narrow has to grow before generation
//! 0 is published.

use heirloom_codec::model::{LATENT_LEVELS, Spec};

use super::{checkpoint::Checkpoint, config::Config, network_config::NetworkConfig, optimiser::State};
use crate::{
    error::{Result, TrainError},
    model::parameters::{Entry, Layout},
    random::Random,
};

/// Stream of the random numbers of new channels.
const STREAM: u64 = 0x6701;
/// Deviation of the weights of new posterior means, in parts of that of [`crate::model::initial`].
const NEW_MEANS: f32 = 0.1;

/// Parts of an axis: their lengths before and after.
type Parts = Vec<[usize; 2]>;

/// What a run is to have.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    /// Channels of each latent.
    pub latents: [usize; LATENT_LEVELS],
    /// Hidden channels of each level's context.
    pub context: [usize; LATENT_LEVELS],
    /// Whether a linear path is added, if there is none.
    pub linear_path: bool,
}

/// The checkpoint of a network that has grown.
///
/// New latent channels do not change the image: what reads them starts at zero. They cost few bits,
/// because their posterior means start small, and their steps are those of channels that are there. New
/// hidden channels and a new linear path start without effect.
///
/// # Errors
/// A baseline, less than there is, a context where there is none, and numbers that no network may have.
pub fn grow(checkpoint: &Checkpoint, growth: Growth) -> Result<Checkpoint> {
    let Growth { latents, context, linear_path } = growth;
    let header = &checkpoint.header;
    let Some(old) = &header.spec else {
        return Err(TrainError::Config("the run trains a baseline, whose latents cannot grow".into()));
    };
    if old.latents.iter().zip(&latents).any(|(old, new)| new < old) {
        return Err(TrainError::Config(format!("the run has latents {:?}: none can become narrower", old.latents)));
    }
    if old.context.iter().zip(&context).any(|(old, new)| new < old || (*old == 0 && *new > 0)) {
        let have = old.context;
        return Err(TrainError::Config(format!("the run has contexts {have:?}: none can become narrower or begin")));
    }
    let spec = Spec { latents, context, linear_path: linear_path || old.linear_path, ..old.clone() };
    let network = NetworkConfig::Full(Box::new(spec.clone()));
    network.check()?;
    let layouts = [Layout::new(old), Layout::new(&spec)];
    let start = |entry: &Entry, index: usize| new_values(entry, header.config.seed, index);
    let state = &checkpoint.state;
    let state = State {
        weights: mapped(&layouts, [old, &spec], &state.weights, start)?,
        m: mapped(&layouts, [old, &spec], &state.m, |_, _| Vec::new())?,
        v: mapped(&layouts, [old, &spec], &state.v, |_, _| Vec::new())?,
        ema: mapped(&layouts, [old, &spec], &state.ema, start)?,
        updates: state.updates,
    };
    let mut header = header.clone();
    header.config = Config { network, ..header.config };
    (header.spec, header.weights) = (Some(spec), state.weights.len());
    Ok(Checkpoint { header, state })
}

/// Moves flat values into a larger layout. Where nothing was before, values are those of `start`, or 0;
/// steps are repeated.
fn mapped(
    [old, new]: &[Layout; 2],
    specs: [&Spec; 2],
    values: &[f32],
    start: impl Fn(&Entry, usize) -> Vec<f32>,
) -> Result<Vec<f32>> {
    let mut out = vec![0f32; new.len()];
    for (index, entry) in new.entries().iter().enumerate() {
        let Ok(before) = old.entry(&entry.name) else {
            continue; // the linear path, which starts at 0
        };
        let from = &values[before.offset..before.offset + before.len];
        let to = &mut out[entry.offset..entry.offset + entry.len];
        if before.shape == entry.shape {
            to.copy_from_slice(from);
            continue;
        }
        let start = start(entry, index);
        to[..start.len()].copy_from_slice(&start);
        let [rows, columns] = parts(&entry.name, [before, entry], specs);
        let (rows, width) = (positions(&rows), [before, entry].map(|entry| entry.shape.last().copied().unwrap_or(1)));
        let columns = positions(&columns);
        // What old outputs get from new inputs is nothing.
        for row in to.chunks_exact_mut(width[1]) {
            columns.iter().for_each(|[_, column]| row[*column] = 0.0);
        }
        for [from_row, to_row] in rows {
            for [from_column, to_column] in &columns {
                to[to_row * width[1] + to_column] = from[from_row * width[0] + from_column];
            }
        }
        if entry.name.ends_with(".step") {
            let (row, copies) = (width[0], width[1]);
            for (i, value) in to.iter_mut().enumerate().filter(|(i, _)| i % copies >= row) {
                *value = from[i / copies * row + i % copies % row];
            }
        }
    }
    Ok(out)
}

/// The parts of a tensor's rows and columns that are of one kind each.
fn parts(name: &str, [before, after]: [&Entry; 2], [old, new]: [&Spec; 2]) -> [Parts; 2] {
    let number = name.split('.').nth(1).and_then(|level| level.strip_prefix('z')).and_then(|n| n.parse().ok());
    let level = number.unwrap_or(1usize).clamp(1, LATENT_LEVELS) - 1;
    let latent = [old.latents[level], new.latents[level]];
    let hidden = [old.context[level], new.context[level]];
    let width = [old.level_width(level); 2];
    let whole = |axis: usize| match before.shape.len() > axis {
        true => vec![[before.shape[axis], after.shape[axis]]],
        false => vec![[1, 1]],
    };
    let last = before.shape.len() - 1;
    let rows = if last == 0 { vec![[1, 1]] } else { whole(0) };
    if name.ends_with(".context.project.weight") {
        [vec![hidden], vec![latent; 2]]
    } else if name.contains(".prior.") || name.ends_with(".context.project.bias") {
        [rows, vec![latent; 2]]
    } else if name.ends_with(".context.expand.weight") {
        [vec![width, latent], whole(last)]
    } else if name.ends_with(".merge.weight") {
        [vec![width, latent, width], whole(last)]
    } else {
        [rows, whole(last)]
    }
}

/// Where along an axis each old position lies before and after.
fn positions(parts: &Parts) -> Vec<[usize; 2]> {
    let mut starts = [0, 0];
    let mut out = Vec::new();
    for [old, new] in parts {
        out.extend((0..*old).map(|i| [starts[0] + i, starts[1] + i]));
        starts = [starts[0] + old, starts[1] + new];
    }
    out
}

/// Values of a tensor that has grown, wherever they are not overwritten by old ones.
fn new_values(entry: &Entry, seed: u64, index: usize) -> Vec<f32> {
    let size = match &entry.name {
        name if name.ends_with(".mean.weight") => NEW_MEANS,
        name if name.ends_with(".context.expand.weight") => 1.0,
        _ => return Vec::new(),
    };
    let mut random = Random::new(seed, STREAM, index as u64);
    let deviation = size / (entry.shape[0] as f32).sqrt();
    (0..entry.len).map(|_| random.normal().clamp(-3.0, 3.0) * deviation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_grow_part_by_part() {
        assert_eq!(positions(&vec![[1, 1], [2, 4], [1, 1]]), [[0, 0], [1, 1], [2, 2], [3, 5]]);
    }
}

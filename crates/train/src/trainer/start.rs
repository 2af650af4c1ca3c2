//! Weights that a run starts from.

use heirloom_codec::model::{Spec, Weights};

use super::{config::Config, export};
use crate::{
    error::{Result, TrainError},
    model::{initial::Initial, parameters::Layout},
};

/// End of the name of the tensor that each block has, and nothing else.
const LAYER_SCALE: &str = ".layer_scale";

/// Initial weights of the configured network, flat.
///
/// # Errors
/// Numbers of the network out of range.
pub fn initial(config: &Config) -> Result<Vec<f32>> {
    let (layout, system) = config.network.system()?;
    Ok(system.initial(&layout, Initial { seed: config.seed, layer_scale: config.layer_scale }))
}

/// A model's weights for the configured network, flat. Options of the spec and blocks that the model
/// lacks have initial values with which they change nothing.
///
/// # Errors
/// A baseline; weights of another network, or of one with an option or a block that the configured one
/// lacks.
pub fn of_model(config: &Config, weights: &Weights) -> Result<Vec<f32>> {
    let Some(spec) = config.network.spec() else {
        return Err(TrainError::Config(
            "no model file holds a baseline: leave out --init, or continue from a run with heirloom-train learn".into(),
        ));
    };
    let layout = Layout::new(&spec);
    if let Some((name, _)) = weights.iter().find(|(name, _)| layout.entry(name).is_err()) {
        return Err(TrainError::Parameter(format!("the model has {name}, which the configured network lacks")));
    }
    let mut weights = weights.clone();
    let mut start = export::weights(&layout, &initial(config)?);
    for name in lacking(&spec, &weights) {
        if let Some(mut tensor) = start.remove(&name) {
            if name.ends_with(LAYER_SCALE) {
                tensor.data.fill(0.0);
            }
            weights.insert(name, tensor);
        }
    }
    export::values(&layout, &weights)
}

/// Tells the user which options and blocks of the spec a model lacks, if there are any.
pub fn report_lacking(config: &Config, weights: &Weights) {
    let lacking = config.network.spec().map(|spec| lacking(&spec, weights)).unwrap_or_default();
    if let [first, .., last] = &lacking[..] {
        log::info!("the model lacks {} tensors, {first} to {last}: they start without effect", lacking.len());
    }
}

/// Names of the tensors of a spec's options and blocks that `weights` lacks.
fn lacking(spec: &Spec, weights: &Weights) -> Vec<String> {
    let without = Layout::new(&spec.without_options());
    let names = spec.parameters().into_iter().map(|(name, _)| name).filter(|name| weights.get(name).is_none());
    let names: Vec<String> = names.collect();
    let blocks: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(LAYER_SCALE)).collect();
    let of_block = |name: &str| blocks.iter().any(|block| name.starts_with(&format!("{block}.")));
    names.iter().filter(|name| without.entry(name).is_err() || of_block(name)).cloned().collect()
}

//! Weights that a run starts from.

use heirloom_codec::model::{Spec, Weights};

use super::{config::Config, export};
use crate::{
    error::{Result, TrainError},
    model::{initial::Initial, parameters::Layout},
};

/// Initial weights of the configured network, flat.
///
/// # Errors
/// Numbers of the network out of range.
pub fn initial(config: &Config) -> Result<Vec<f32>> {
    let (layout, system) = config.network.system()?;
    Ok(system.initial(&layout, Initial { seed: config.seed, layer_scale: config.layer_scale }))
}

/// A model's weights for the configured network, flat. Options of the spec that the model lacks
/// keep their initial values, with which they have no effect.
///
/// # Errors
/// A baseline; weights of another network, or of one with an option that the configured one lacks.
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
        if let Some(tensor) = start.remove(&name) {
            weights.insert(name, tensor);
        }
    }
    export::values(&layout, &weights)
}

/// Tells the user which options of the spec a model lacks, if there are any.
pub fn report_lacking(config: &Config, weights: &Weights) {
    let lacking = config.network.spec().map(|spec| lacking(&spec, weights)).unwrap_or_default();
    if let [first, .., last] = &lacking[..] {
        log::info!("the model lacks {} tensors, {first} to {last}: they start without effect", lacking.len());
    }
}

/// Names of the tensors of a spec's options that `weights` lacks.
fn lacking(spec: &Spec, weights: &Weights) -> Vec<String> {
    let without = Layout::new(&spec.without_options());
    let names = spec.parameters().into_iter().map(|(name, _)| name);
    names.filter(|name| without.entry(name).is_err() && weights.get(name).is_none()).collect()
}

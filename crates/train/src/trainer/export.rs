//! Writing averaged weights as a model file of integers.

use heirloom_codec::model::{LambdaRange, LambdaRanges, ModelFile, Spec, Weights};

pub use super::by_name::{values, weights};
use super::calibration::Calibration;
use super::checkpoint::{Checkpoint, Header};
use crate::{
    error::{Result, TrainError},
    model::parameters::Layout,
};

/// The weights that the integers of a model stand for.
///
/// # Errors
/// Weights of another network than the spec's.
pub fn floats(file: &ModelFile) -> Result<Weights> {
    let newest = file.metadata.lineage.add_ons.len();
    file.weights.with_heads(newest).to_floats(&file.metadata.spec).map_err(|e| TrainError::Model(e.to_string()))
}

/// Spec of a checkpoint's network, if the codec can run it.
///
/// # Errors
/// A baseline.
pub fn codec_spec(header: &Header) -> Result<&Spec> {
    header.spec.as_ref().ok_or_else(|| {
        TrainError::Model(format!(
            "the codec cannot run the baseline {}, so there is no model file of it; measure its runs with heirloom-train \
             validate, or learn from them with heirloom-train learn --from RUN",
            header.config.network.name()
        ))
    })
}

/// Makes a model of a checkpoint of training from scratch: its averaged weights, as integers.
///
/// # Errors
/// A baseline, or weights that are not finite.
pub fn model(checkpoint: &Checkpoint, calibration: &Calibration, preview: bool) -> Result<ModelFile> {
    let header = &checkpoint.header;
    let spec = codec_spec(header)?;
    let weights = weights(&Layout::new(spec), &checkpoint.state.ema);
    let [low, high] = header.config.lambda;
    let mut file = calibration.model(spec, LambdaRanges::all(LambdaRange { low, high }), &weights)?;
    describe(&mut file, header, preview);
    Ok(file)
}

/// Writes into a model's metadata where its weights come from.
pub fn describe(file: &mut ModelFile, header: &Header, preview: bool) {
    file.metadata.preview = preview;
    file.metadata.provenance.data_manifest = Some(header.data_manifest.clone());
    file.metadata.provenance.steps = Some(header.step);
    file.metadata.provenance.seed = Some(header.config.seed);
    file.metadata.provenance.set_trainer(concat!("heirloom-train ", env!("CARGO_PKG_VERSION")));
}
